"""Un serveur neuf, chaque page ouverte la première par son adresse."""

import pytest
from conftest import PAGES


@pytest.mark.parametrize("page", PAGES)
def test_un_lien_profond_ouvre_sa_page(page, ecran, serveur_neuf):
    with serveur_neuf() as adresse:
        ecran.ouvrir(page, adresse, territoire="gard_rhodanien")
        ecran.page.locator("[data-testid='stSidebar'] a[href*='donnees?']").wait_for()
        assert ecran.page.locator("[data-testid='stSidebarNav']").count() == 0
        assert ecran.page.locator("[data-testid='stToast'], [role='dialog']").count() == 0
        territoire = ecran.page.locator(".st-key-choix_territoire").get_by_role("combobox")
        assert territoire.input_value() == "Gard rhodanien"
        assert ecran.adresse["territoire"] == "gard_rhodanien"


def test_l_adresse_nue_ouvre_l_accueil(ecran, serveur_neuf):
    with serveur_neuf() as adresse:
        ecran.ouvrir("", adresse)
        nu = ecran.page.locator("[data-testid='stMain'] h3").first.inner_text()
        ecran.ouvrir("accueil", adresse)
        assert ecran.page.locator("[data-testid='stMain'] h3").first.inner_text() == nu
