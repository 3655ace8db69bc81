"""Aucun texte mis sur une carte Folium n'est exécuté, et tous s'y lisent mot pour mot."""

import html
import json
import logging
import pickle
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import branca.element
import folium
import pandas as pd
import pytest
import streamlit_folium
from hypothesis import given
from hypothesis import strategies as st

from geodata.folium_hors_ligne import BASE, COPIES, installer, liens_locaux
from geodata.texte_carte import blinder_branca, texte_carte

RACINE = Path(__file__).resolve().parents[1]
CORPUS = RACINE.parent / "shared" / "corpus" / "strings"

JINJA = [
    "{{7*7}}",
    "{{ ''.__class__.__mro__ }}",
    "{{ this._parent.render() }}",
    "{{ inconnu.attribut }}",
    "Lot {% sans fin",
    "{% for i in range(10**9) %}{% endfor %}",
    "{# jamais fermé",
    "{%- raw -%}",
    "}}{{",
]
ATTAQUES = [
    *JINJA,
    "${1+1}",
    "`+alert(1)+`",
    "\\`${alert(1)}",
    "</script><script>alert(1)</script>",
    "</ScRiPt >",
    "<!--<script>",
    "<img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "' onfocus='alert(1)",
    "&lt;déjà encodé&gt; &amp;#123;",
    "\\u0000 \\x3cscript\\x3e \\",
    "a\0b\x1b[31m\x9f",
    "ligne\r\nsuivante\u2028puis\u2029fin\t.",
    "moitié \ud800 de paire",
    "alert(coords); drawnItems_draw_control_div_1",
    "//*/ ]]> #fin",
    "\u202eécrit à l'envers",
    "L'Haÿ-les-Roses : 12,5 % (œuvre d'été) 👶🏽",
    "",
]


def lire_corpus() -> list[str]:
    """Lire les chaînes hostiles partagées, si ce dossier est posé à côté du projet."""
    if not CORPUS.is_dir():
        return []
    chemins = (CORPUS / "chemins.txt").read_text(encoding="utf-8").split("\n")
    return json.loads((CORPUS / "blns.json").read_text(encoding="utf-8")) + chemins


TEXTES = ATTAQUES + lire_corpus()
DANGEREUX = "<>\"'=`$\\{}%_(\n\r\0\u2028\u2029"


def attendu(texte: str) -> str:
    """Dire ce qu'un lecteur doit voir : le texte, sans contrôle ni moitié de paire."""
    controle = {"Cc", "Cs", "Zl", "Zp"}
    return "".join(
        c if unicodedata.category(c) not in controle else " " if c.isspace() else "" for c in texte
    )


# Texte seul


@given(
    st.text(st.sampled_from(DANGEREUX + "&#;") | st.characters(exclude_categories=())),
    st.integers(1, 300),
)
def test_encode_tout_et_rend_le_meme_texte(texte: str, longueur: int) -> None:
    encode = texte_carte(texte, longueur)
    assert not set(encode) & set(DANGEREUX)
    # # et & ne restent que comme début d'entité : ni « {# » de Jinja, ni entité de l'auteur.
    assert encode.count("#") == encode.count("&") == len(re.findall(r"&#\d+;", encode))
    lu, complet = html.unescape(encode), attendu(texte)
    assert lu == (complet if len(complet) <= longueur else complet[: longueur - 1] + "…")


@pytest.mark.parametrize("texte", TEXTES, ids=range(len(TEXTES)))
def test_rend_chaque_chaine_hostile_mot_pour_mot(texte: str) -> None:
    assert html.unescape(texte_carte(texte, len(texte) + 1)) == attendu(texte)


def test_borne_la_longueur_lue_sans_couper_une_entite() -> None:
    assert html.unescape(texte_carte("&" * 500)) == "&" * 199 + "…"
    assert html.unescape(texte_carte("&" * 200)) == "&" * 200
    with pytest.raises(ValueError, match="longueur_max"):
        texte_carte("a", 0)


@pytest.mark.parametrize("manquante", [None, float("nan"), pd.NA, pd.NaT])
def test_une_valeur_manquante_n_ecrit_rien(manquante: object) -> None:
    assert texte_carte(manquante) == ""


def test_accepte_une_valeur_qui_n_est_pas_un_texte() -> None:
    assert texte_carte(12) == "12"
    assert texte_carte(["a"]) == "[&#39;a&#39;]"


# Puits : chaque endroit où Folium reçoit un texte


def noms_de_couche(parent: branca.element.Element, textes: list[str]) -> None:
    for texte in textes:
        folium.FeatureGroup(name=texte).add_to(parent)


def infobulles(parent: branca.element.Element, textes: list[str]) -> None:
    for texte in textes:
        folium.CircleMarker((43.7, 4.4), tooltip=folium.Tooltip(texte)).add_to(parent)


def fenetres(parent: branca.element.Element, textes: list[str]) -> None:
    for texte in textes:
        folium.CircleMarker((43.7, 4.4), popup=folium.Popup(texte)).add_to(parent)


def etiquettes(parent: branca.element.Element, textes: list[str]) -> None:
    for texte in textes:
        icone = folium.DivIcon(html=f"<b title='{texte}'></b>")
        folium.Marker((43.7, 4.4), icon=icone).add_to(parent)


def points(textes: list[str]) -> dict[str, object]:
    geometrie = {"type": "Point", "coordinates": [4.4, 43.7]}
    traits = [
        {"type": "Feature", "id": str(i), "geometry": geometrie, "properties": {"texte": texte}}
        for i, texte in enumerate(textes)
    ]
    return {"type": "FeatureCollection", "features": traits}


def proprietes(parent: branca.element.Element, textes: list[str]) -> None:
    folium.GeoJson(
        points(textes),
        style_function=lambda trait: {"weight": 1},
        tooltip=folium.GeoJsonTooltip(["texte"]),
        popup=folium.GeoJsonPopup(["texte"]),
    ).add_to(parent)


def libelles(parent: branca.element.Element, textes: list[str]) -> None:
    for texte in textes:
        infobulle = folium.GeoJsonTooltip(["texte"], aliases=[texte])
        fenetre = folium.GeoJsonPopup(["texte"], aliases=[texte])
        folium.GeoJson(points(["point"]), tooltip=infobulle, popup=fenetre).add_to(parent)


def legendes(parent: branca.element.Element, textes: list[str]) -> None:
    for texte in textes:
        parent.get_root().html.add_child(folium.Element(f"<p>{texte}</p>"))


Puits = Callable[[branca.element.Element, list[str]], None]
DANS_UN_GROUPE: list[Puits] = [infobulles, fenetres, etiquettes, proprietes, libelles]
PUITS: list[Puits] = [*DANS_UN_GROUPE, noms_de_couche, legendes]


# Voies : la page entière de Folium, et les deux chemins du composant Streamlit


def rendre_page(puits: Puits, textes: list[str]) -> str:
    carte = folium.Map(tiles=None)
    puits(carte, textes)
    folium.LayerControl().add_to(carte)
    return str(carte.get_root().render())


def envoyer(carte: folium.Map, **options: object) -> dict[str, object]:
    """Appeler le vrai st_folium et rendre ce qu'il enverrait au navigateur."""
    faux = SimpleNamespace(_component_func=lambda **arguments: arguments)
    installer(faux)
    with pytest.MonkeyPatch.context() as essai:
        essai.setattr(streamlit_folium, "_component_func", faux._component_func)
        return streamlit_folium.st_folium(carte, layer_control=folium.LayerControl(), **options)


def rendre_composant(puits: Puits, textes: list[str]) -> str:
    carte = folium.Map(tiles=None)
    puits(carte, textes)
    envoi = envoyer(carte)
    return "\n".join(str(envoi[cle]) for cle in ("script", "header", "html", "layer_control"))


def rendre_groupe(puits: Puits, textes: list[str]) -> str:
    groupe = folium.FeatureGroup("groupe")
    puits(groupe, textes)
    return str(envoyer(folium.Map(tiles=None), feature_group_to_add=groupe)["feature_group"])


Voie = Callable[[Puits, list[str]], str]
VOIES: list[tuple[Voie, Puits]] = [
    *[(voie, puits) for voie in (rendre_page, rendre_composant) for puits in PUITS],
    *[(rendre_groupe, puits) for puits in DANS_UN_GROUPE],
]
chaque_puits = pytest.mark.parametrize(
    ("voie", "puits"), VOIES, ids=[f"{voie.__name__}-{puits.__name__}" for voie, puits in VOIES]
)


def reperer(texte: str, rang: int) -> str:
    return f"debut{rang}:{texte}:fin{rang}."


def relire(rendu: str) -> dict[int, set[str]]:
    """Retrouver les textes repérés, une fois défaits les échappements JSON du script."""
    trouves: dict[int, set[str]] = {}
    for rang, texte in re.findall(r"debut(\d+):(.*?):fin\1\.", rendu, re.DOTALL):
        trouves.setdefault(int(rang), set()).add(json.loads(f'"{texte}"'))
    return trouves


@chaque_puits
def test_un_texte_encode_arrive_mot_pour_mot_au_navigateur(voie: Voie, puits: Puits) -> None:
    encodes = [texte_carte(reperer(t, i), len(t) + 100) for i, t in enumerate(TEXTES)]
    trouves = relire(voie(puits, encodes))
    assert {rang: {html.unescape(t) for t in lus} for rang, lus in trouves.items()} == {
        rang: {attendu(texte)} for rang, texte in enumerate(TEXTES)
    }


@chaque_puits
def test_jinja_ne_s_execute_pas_meme_sur_un_texte_brut(voie: Voie, puits: Puits) -> None:
    """La seconde barrière tient seule : un oubli d'encodage n'exécute rien sur le serveur."""
    trouves = relire(voie(puits, [reperer(t, i).replace("'", "’") for i, t in enumerate(JINJA)]))
    assert trouves == {rang: {t.replace("'", "’")} for rang, t in enumerate(JINJA)}


# Barrière de branca


def test_un_element_sorti_du_cache_reste_litteral() -> None:
    blinder_branca()
    copie = pickle.loads(pickle.dumps(folium.Element("{{7*7}} {% sans fin")))
    assert copie.render() == "{{7*7}} {% sans fin"


def test_branca_garde_ses_propres_gabarits() -> None:
    blinder_branca()
    cadre = branca.element.Figure()
    cadre.add_subplot(1, 1, 1).html.add_child(folium.Element("<p>dedans</p>"))
    assert "<p>dedans</p>" in cadre.render()


def test_un_motif_de_remplissage_garde_son_renvoi() -> None:
    blinder_branca()
    assert folium.Element("fill: {{'motif_0a1b'}},").render() == "fill: motif_0a1b,"


def test_une_version_de_branca_qui_echappe_a_la_barriere_est_refusee() -> None:
    with pytest.MonkeyPatch.context() as essai:
        essai.setattr(branca.element.Element, "render", lambda self: "49")
        with pytest.raises(RuntimeError, match="branca"):
            blinder_branca()


# Liens : rien ne vient d'ailleurs


def test_le_composant_ne_recoit_que_des_copies_locales_qui_existent() -> None:
    envoi = envoyer(folium.Map(tiles=None))
    assert envoi["js_links"] == [BASE + "leaflet/leaflet.js"]
    assert envoi["css_links"] == [BASE + "leaflet/leaflet.css"]
    assert all((RACINE / "static" / "vendor" / copie).is_file() for copie in COPIES.values())


def test_un_greffon_inconnu_est_retire_et_journalise(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        liens = liens_locaux(["https://exemple.invalid/v1/greffon.js", "https://x/leaflet.js"])
    assert liens == [BASE + "leaflet/leaflet.js"]
    assert "greffon.js" in caplog.text


def test_un_greffon_sans_bibliotheque_n_emporte_pas_la_carte() -> None:
    """Le composant ajoute sa propre suite au script : elle doit rester hors de l'essai."""
    script = str(envoyer(folium.Map(tiles=None))["script"])
    assert re.fullmatch(r"try \{.*L\.map\(.*\} catch \(erreur\) \{.*\}\n", script, re.DOTALL)


def test_un_clic_deja_attendu_ne_relance_pas_la_page() -> None:
    envoi = envoyer(folium.Map(tiles=None), returned_objects=["last_object_clicked_count"])
    assert envoi["default"] == {"last_object_clicked_count": 0}


def test_installer_deux_fois_n_ajoute_rien() -> None:
    module = SimpleNamespace(_component_func=lambda **arguments: arguments)
    installer(module)
    premier = module._component_func
    installer(module)
    assert module._component_func is premier
