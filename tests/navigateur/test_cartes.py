"""Les cartes se dessinent entières, sans réseau, et un clic choisit la commune."""

import pytest
from conftest import TERRITOIRES
from playwright.sync_api import expect

from ctg_data.codes import noms_des_communes
from ctg_data.territoire import EMBARQUES, lire_fiche

CHOIX = {"costieres_camargue": "30258", "gard_rhodanien": "30028"}


def codes(territoire: str) -> set[str]:
    return set(lire_fiche(EMBARQUES / territoire)[0].communes)


@pytest.mark.parametrize("territoire", TERRITOIRES)
def test_la_carte_plotly_a_toutes_ses_communes(territoire, ecran):
    ecran.ouvrir("offre_besoins", territoire=territoire)
    traces = ecran.page.locator(".st-key-carte .choroplethlayer path")
    traces.first.wait_for(state="attached")
    lieux = traces.evaluate_all(
        "traces => traces.filter(t => t.getBBox().width > 2).map(t => t.__data__.loc)"
    )
    assert sorted(lieu for lieu in lieux if lieu in codes(territoire)) == sorted(codes(territoire))
    assert len(codes(territoire)) == TERRITOIRES[territoire]


@pytest.mark.parametrize("territoire", TERRITOIRES)
def test_la_carte_folium_a_toutes_ses_communes(territoire, ecran):
    ecran.ouvrir("offre_besoins", territoire=territoire, vue="explorer")
    for code in codes(territoire):
        boite = ecran.commune_folium(code).bounding_box()
        assert boite and boite["width"] > 2


@pytest.mark.parametrize("territoire", TERRITOIRES)
def test_un_clic_sur_la_carte_choisit_la_commune(territoire, ecran):
    ecran.ouvrir("offre_besoins", territoire=territoire)
    ecran.cliquer_dans(ecran.commune(CHOIX[territoire]))
    ecran.attendre_adresse(commune=CHOIX[territoire])
    _verifier_choix(ecran, CHOIX[territoire])


def _verifier_choix(ecran, code):
    liste = ecran.page.locator(".st-key-choix_commune").get_by_role("combobox")
    # L'adresse change avant que la ligne de contexte ne soit redessinée.
    nom = noms_des_communes()[code]
    expect(liste).to_have_value(nom)
    ecran.page.locator("[data-testid='stMain'] h4").filter(has_text=nom).first.wait_for()
    ecran.page.locator(f".classement .choisie[data-code='{code}']").wait_for()
    assert ecran.contour_choisi() == [code]


def test_un_clic_vaut_encore_apres_un_choix_par_liste(ecran):
    ecran.ouvrir("offre_besoins", territoire="costieres_camargue")
    ecran.cliquer_dans(ecran.commune("30258"))
    ecran.attendre_adresse(commune="30258")
    ecran.choisir("commune", "Bouillargues")
    ecran.attendre_adresse(commune="30047")
    ecran.cliquer_dans(ecran.commune("30258"))
    ecran.attendre_adresse(commune="30258")
    _verifier_choix(ecran, "30258")


def test_un_clic_sur_une_barre_choisit_la_commune(ecran):
    ecran.ouvrir("offre_besoins", territoire="costieres_camargue")
    rangs = ecran.page.locator(".classement .rang")
    premier = rangs.first.get_attribute("data-code")
    rangs.first.locator(".barre").click()
    ecran.attendre_adresse(commune=premier)
    _verifier_choix(ecran, premier)


def test_une_barre_se_choisit_au_clavier(ecran):
    ecran.ouvrir("offre_besoins", territoire="costieres_camargue")
    deuxieme = ecran.page.locator(".classement .rang").nth(1)
    code = deuxieme.get_attribute("data-code")
    deuxieme.focus()
    ecran.page.keyboard.press("Enter")
    ecran.attendre_adresse(commune=code)
    _verifier_choix(ecran, code)


def test_un_clic_sur_la_carte_a_explorer_choisit_la_commune(ecran):
    ecran.ouvrir("offre_besoins", territoire="costieres_camargue", vue="explorer")
    for code in ("30258", "30047", "30258"):
        ecran.cliquer_dans(ecran.commune_folium(code))
        ecran.attendre_adresse(commune=code)
        _verifier_choix(ecran, code)


def test_explorer_ne_remonte_pas_la_carte_au_clic(ecran):
    ecran.ouvrir("offre_besoins", territoire="costieres_camargue", vue="explorer")
    trace = ecran.commune_folium("30258")
    ecran.page.frame_locator('iframe[title*="folium"]').locator("body").evaluate(
        "() => { window.temoin = true; }"
    )
    ecran.cliquer_dans(trace)
    ecran.attendre_adresse(commune="30258")
    cadre = ecran.page.frame_locator('iframe[title*="folium"]').locator("body")
    assert cadre.evaluate("() => window.temoin") is True
