"""L'adresse porte les choix : elle se recharge, se partage, et suit de page en page."""

from conftest import PAGES

CHOIX = {
    "territoire": "gard_rhodanien",
    "commune": "30028",
    "reference": "epci",
    "indicateur": "niveau_vie_median",
    "audience": "interne",
}


def test_recharger_garde_tous_les_choix(ecran):
    choix = {**CHOIX, "vue": "explorer", "estimateur": "recensement", "situation": "2026-03-01"}
    ecran.ouvrir("offre_besoins", **choix)
    assert ecran.adresse == choix
    ecran.page.reload()
    assert ecran.attendre().adresse == choix
    liste = ecran.page.locator(".st-key-choix_commune").get_by_role("combobox")
    assert liste.input_value() == "Bagnols-sur-Cèze"


def test_le_menu_garde_les_choix(ecran):
    ecran.ouvrir("offre_besoins", **CHOIX)
    for page in (*PAGES, "offre_besoins"):
        assert ecran.menu(page).adresse == CHOIX
        liste = ecran.page.locator(".st-key-choix_commune").get_by_role("combobox")
        assert liste.input_value() == "Bagnols-sur-Cèze"


def test_le_menu_suit_l_indicateur_qu_on_vient_de_choisir(ecran):
    ecran.ouvrir("offre_besoins", territoire="gard_rhodanien")
    ecran.choisir("indicateur", "Taux de pauvreté")
    ecran.attendre_adresse(indicateur="taux_pauvrete")
    for page in ("commune", "offre_besoins"):
        assert ecran.menu(page).adresse["indicateur"] == "taux_pauvrete"


def test_le_retour_arriere_rend_la_page_et_les_choix_d_avant(ecran):
    ecran.ouvrir("offre_besoins", territoire="costieres_camargue")
    ecran.choisir("commune", "Saint-Gilles")
    ecran.attendre_adresse(commune="30258")
    ecran.menu("commune")
    ecran.page.go_back()
    ecran.page.wait_for_url("**/offre_besoins?*")
    assert ecran.attendre_adresse(commune="30258").adresse["territoire"] == "costieres_camargue"


def test_le_retour_arriere_defait_un_choix(ecran):
    ecran.ouvrir("offre_besoins", territoire="costieres_camargue")
    ecran.choisir("commune", "Saint-Gilles")
    ecran.attendre_adresse(commune="30258")
    ecran.choisir("commune", "Bouillargues")
    ecran.attendre_adresse(commune="30047")
    ecran.page.go_back()
    ecran.attendre_adresse(commune="30258")
    ecran.page.wait_for_function(
        "() => document.querySelector('.st-key-choix_commune input').value === 'Saint-Gilles'"
    )
