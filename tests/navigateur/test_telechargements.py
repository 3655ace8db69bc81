"""Les fichiers téléchargés s'ouvrent, et disent d'où ils viennent."""

import csv
import io
import xml.etree.ElementTree as ET

import pytest
from conftest import TERRITOIRES
from PIL import Image

CLES = {"offre_besoins": ("carte", "classement"), "commune": ("offre_modes", "naissances")}
ACCENTS = {(194, 65, 12), (154, 52, 18)}


def telecharger(ecran, cle: str, genre: str) -> bytes:
    with ecran.page.expect_download() as attendu:
        ecran.page.locator(f".st-key-{cle} .outil-{genre}").click()
    assert attendu.value.suggested_filename.endswith(f".{genre}")
    return attendu.value.path().read_bytes()


@pytest.mark.parametrize("page", CLES)
def test_le_png_est_une_image_lisible_au_format_de_l_ecran(page, ecran):
    ecran.ouvrir(page, territoire="gard_rhodanien")
    for cle in CLES[page]:
        image = Image.open(io.BytesIO(telecharger(ecran, cle, "png"))).convert("RGB")
        assert image.width == 1920 and image.height >= 1080
        assert len(image.getcolors(1_000_000)) > 50


@pytest.mark.parametrize("page", CLES)
def test_le_svg_est_bien_forme_inerte_et_signe(page, ecran):
    ecran.ouvrir(page, territoire="gard_rhodanien")
    for cle in CLES[page]:
        racine = ET.fromstring(telecharger(ecran, cle, "svg"))
        liens = [v for e in racine.iter() for c, v in e.attrib.items() if c.endswith("href")]
        assert all(lien.startswith(("#", "data:")) for lien in liens)
        assert not [e for e in racine.iter() if e.tag.endswith("script")]
        textes = " ".join("".join(e.itertext()) for e in racine.iter() if e.tag.endswith("text"))
        assert "Source" in textes


def test_l_image_de_la_carte_porte_le_titre_de_l_ecran_et_le_ruban(ecran):
    ecran.ouvrir("offre_besoins", territoire="gard_rhodanien")
    titre = ecran.page.locator("[data-testid='stMain'] h3").first.inner_text()
    racine = ET.fromstring(telecharger(ecran, "carte", "svg"))
    textes = " ".join("".join(e.itertext()) for e in racine.iter() if e.tag.endswith("text"))
    assert "".join(titre.split()) in "".join(textes.split())
    assert "EXEMPLE" in textes
    image = Image.open(io.BytesIO(telecharger(ecran, "carte", "png"))).convert("RGB")
    haut = image.crop((0, 0, image.width, image.height // 8))
    assert {couleur for _, couleur in haut.getcolors(1_000_000)} & ACCENTS


@pytest.mark.parametrize("territoire", TERRITOIRES)
def test_le_csv_se_relit(territoire, ecran):
    ecran.ouvrir("offre_besoins", territoire=territoire)
    octets = telecharger(ecran, "carte", "csv")
    assert octets.startswith("\ufeff".encode())
    lignes = list(csv.DictReader(io.StringIO(octets.decode("utf-8-sig")), delimiter=";"))
    codes = [ligne["Code"] for ligne in lignes if ligne.get("Code", "").startswith("30")]
    assert len(set(codes)) == TERRITOIRES[territoire]
    assert {"officiel", "exemple"} & {ligne["Fiabilité"] for ligne in lignes}
