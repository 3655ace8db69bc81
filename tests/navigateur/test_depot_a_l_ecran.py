"""Déposer un fichier, voir la carte changer, revenir ; créer un territoire et voir sa carte."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Ecran
from playwright.sync_api import Page, expect

from ctg_data.territoire import EMBARQUES, lire_fiche

ANNEE, SAINT_GILLES, VALEUR = 2098, "30258", 777
ARDECHE = ("07019", "07064", "07132", "07186", "07204")


@pytest.fixture
def neuf(ecran: Ecran, serveur_neuf: Callable[[], Any]) -> Iterator[Ecran]:
    """Rendre un onglet sur un serveur dont le dossier de données est vide."""
    with serveur_neuf() as adresse:
        ecran.serveur = adresse
        yield ecran


def naissances(chemin: Path, valeur: object) -> Path:
    """Écrire les naissances d'une année à venir, une commune portant cette valeur."""
    codes = lire_fiche(EMBARQUES / "costieres_camargue")[0].communes
    lignes = [
        f"{code};{ANNEE};{valeur if code == SAINT_GILLES else 41};officiel;Insee, état civil"
        for code in codes
    ]
    chemin.write_text("\n".join(["code_commune;annee;naissances;statut;source", *lignes, ""]))
    return chemin


def deposer(ecran: Ecran, *fichiers: Path) -> None:
    ecran.page.locator("[data-testid=stFileUploaderDropzoneInput]").first.set_input_files(
        [str(f) for f in fichiers]
    )


def principal(page: Page) -> Any:
    return page.locator("[data-testid=stMain]")


def carte(ecran: Ecran) -> Any:
    return ecran.page.locator(".st-key-carte .main-svg").first


def test_deposer_change_la_carte_et_revenir_la_remet(neuf, tmp_path):
    page = neuf.page
    neuf.ouvrir("offre_besoins", territoire="costieres_camargue", indicateur="naissances")
    expect(carte(neuf)).not_to_contain_text(str(VALEUR))
    neuf.menu("donnees")
    deposer(neuf, naissances(tmp_path / "bon.csv", VALEUR), naissances(tmp_path / "faux.csv", "x"))

    bon = page.locator("[class*=st-key-verdict_accepte]")
    expect(bon).to_contain_text("Accepté")
    expect(bon).to_contain_text("8 communes sur 8")
    expect(bon).to_contain_text("8 lignes ajoutées")
    faux = page.locator("[class*=st-key-verdict_refuse]")
    expect(faux).to_contain_text("Refusé")
    expect(faux).to_contain_text(re.compile(r"Ligne\s8, colonne «\snaissances\s»"))
    expect(faux).to_contain_text("Écrivez")
    expect(page.get_by_role("button", name="Appliquer à Costières Camargue")).to_have_count(1)

    page.get_by_role("button", name="Appliquer à Costières Camargue").click()
    expect(bon).to_contain_text("Enregistré à")
    neuf.capturer("donnees_depot")
    neuf.menu("offre_besoins").attendre_adresse(indicateur="naissances")
    expect(carte(neuf)).to_contain_text(str(VALEUR))

    neuf.menu("donnees")
    page.locator(".st-key-vue_donnees button").filter(has_text="Historique").click()
    page.get_by_role("button", name="Revenir à la version précédente").click()
    page.get_by_role("button", name="Oui, revenir en arrière").click()
    expect(principal(page)).to_contain_text("a été remis")
    neuf.menu("offre_besoins").attendre_adresse(indicateur="naissances")
    expect(carte(neuf)).not_to_contain_text(str(VALEUR))


def test_creer_un_territoire_de_cinq_communes_et_voir_sa_carte(neuf):
    page = neuf.page
    neuf.ouvrir("territoires")
    page.get_by_role("textbox", name="Nom du territoire").fill("Bassin d'essai")
    recherche = page.get_by_role("textbox", name="Nom, code Insee ou code postal")
    for rang, code in enumerate(ARDECHE, 1):
        recherche.fill(code)
        page.locator(".st-key-commune_prise button").first.click()
        expect(principal(page)).to_contain_text(f"Communes retenues ({rang})")
    expect(page.locator(".st-key-apercu_territoire img")).to_be_visible()
    expect(principal(page)).to_contain_text("Département\u00a0: Ardèche.")
    neuf.capturer("territoire_a_creer")
    page.get_by_role("button", name="Créer ce territoire").click()
    expect(principal(page)).to_contain_text("Bassin d'essai est créé")
    expect(principal(page)).to_contain_text("Fichiers à charger ensuite, pour 9 tables")
    page.get_by_role("link", name="Voir sa carte").click()
    neuf.attendre_adresse(territoire="bassin_d_essai", indicateur="population")
    for code in ARDECHE:
        expect(neuf.commune(code)).to_be_visible()
    neuf.capturer("territoire_cree")


def test_les_boutons_du_depot_parlent_francais(neuf):
    neuf.ouvrir("donnees", territoire="costieres_camargue")
    zone = neuf.page.locator("[data-testid=stFileUploaderDropzone]").first
    ecrits = zone.evaluate(
        """zone => [...zone.querySelectorAll('*')].flatMap(e => {
          const visible = parseFloat(getComputedStyle(e).fontSize) > 0;
          const propre = [...e.childNodes].filter(n => n.nodeType === 3 && visible);
          const apres = getComputedStyle(e, '::after').content;
          return [...propre.map(n => n.data.trim()), apres === 'none' ? '' : apres];
        }).filter(t => t && t !== 'upload' && t !== 'normal')"""
    )
    assert ecrits == ['"Choisir un fichier"', '"ou glissez-le ici"']
