"""À 60 cm comme en salle : rien ne déborde, rien ne couvre, tout se lit."""

import pytest
from conftest import PAGES, TERRITOIRES

TAILLES = {"portable": (1366, 768, 16), "salle": (1920, 1080, 18)}
# Ce qui n'est pas du texte à lire : flèche du menu, barres d'une date.
TOLERES = {"keyboard_double_arrow_left", "keyboard_double_arrow_right", "/"}
CONTRASTES_FAIBLES = """() => {
  const lire = (c) => (c.match(/[\\d.]+/g) ?? []).map(Number);
  const lum = (c) => c.slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
  const sur = (a, b) => [0, 1, 2].map((i) => a[i] * (a[3] ?? 1) + b[i] * (1 - (a[3] ?? 1)));
  const fond = (e) => {
    const pile = [];
    for (; e; e = e.parentElement) pile.unshift(lire(getComputedStyle(e).backgroundColor));
    return pile.reduce((bas, haut) => sur(haut, bas), [255, 255, 255]);
  };
  const faibles = {};
  const zones = '[data-testid="stMain"], [data-testid="stSidebar"]';
  for (const zone of document.querySelectorAll(zones)) {
    const marche = document.createTreeWalker(zone, NodeFilter.SHOW_TEXT);
    while (marche.nextNode()) {
      const e = marche.currentNode.parentElement, style = getComputedStyle(e);
      const texte = marche.currentNode.data.trim();
      if (!texte || e.closest("svg, style, script, [aria-disabled=true]") || !e.checkVisibility()
          || e.getBoundingClientRect().width < 2) continue;
      let opacite = 1;
      for (let p = e; p; p = p.parentElement) opacite *= +getComputedStyle(p).opacity;
      const dessous = fond(e), encre = lire(style.color);
      const vu = sur([...encre.slice(0, 3), (encre[3] ?? 1) * opacite], dessous);
      const [a, b] = [lum(vu), lum(dessous)].sort((x, y) => y - x);
      const rapport = (a + 0.05) / (b + 0.05);
      if (rapport < 7) faibles[texte.slice(0, 40)] = Math.round(rapport * 10) / 10;
    }
  }
  return faibles;
}"""


@pytest.mark.parametrize("taille", TAILLES)
@pytest.mark.parametrize("territoire", TERRITOIRES)
@pytest.mark.parametrize("page", (*PAGES, "territoires"))
def test_rien_ne_deborde_et_tout_se_lit(page, territoire, taille, ecran):
    largeur, hauteur, base = TAILLES[taille]
    ecran.page.set_viewport_size({"width": largeur, "height": hauteur})
    ecran.ouvrir(page, territoire=territoire)
    ecran.capturer(f"{page}_{territoire}_{largeur}x{hauteur}")
    debords = ecran.page.evaluate(
        """() => [document.documentElement, document.querySelector('[data-testid="stMain"]')]
          .map(e => e.scrollWidth - e.clientWidth)"""
    )
    assert max(debords) <= 0
    taille_base = "() => getComputedStyle(document.documentElement).fontSize"
    assert ecran.page.evaluate(taille_base) == f"{base}px"
    faibles = ecran.page.evaluate(CONTRASTES_FAIBLES)
    assert {t: r for t, r in faibles.items() if t not in TOLERES} == {}


@pytest.mark.parametrize("page", PAGES)
def test_rien_ne_couvre_les_choix(page, ecran):
    ecran.ouvrir(page, territoire="gard_rhodanien")
    couvertes = ecran.page.evaluate(
        """() => [...document.querySelectorAll('.st-key-contexte [data-testid="stSelectbox"]')]
          .filter(liste => {
            const r = liste.querySelector('input').getBoundingClientRect();
            return [0.2, 0.5, 0.8].some(part => !liste.contains(
              document.elementFromPoint(r.x + r.width / 2, r.y + r.height * part)));
          }).map(liste => liste.textContent)"""
    )
    assert couvertes == []
    assert ecran.page.locator('.st-key-contexte [data-testid="stSelectbox"] input').count() >= 4


@pytest.mark.parametrize("vue", ("presenter", "explorer"))
@pytest.mark.parametrize("territoire", TERRITOIRES)
def test_carte_et_legende_tiennent_sans_defiler(territoire, vue, ecran):
    ecran.ouvrir("offre_besoins", territoire=territoire, vue=vue)
    carte = "iframe[title*='folium']" if vue == "explorer" else ".st-key-carte .cadre-figure"
    legende = ecran.page.locator(".st-key-carte .legende")
    legende.wait_for()
    for element in (ecran.page.locator(carte).first, legende):
        boite = element.bounding_box()
        assert boite["y"] >= 0 and boite["y"] + boite["height"] <= 768
