"""Vérifier ce que le code s'interdit : dépendances, appels dangereux, adresses, dates en dur."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

RACINE = Path(__file__).resolve().parent.parent
GEOMETRIE = {"shapely", "geopandas", "pyogrio", "pyproj", "folium", "branca", "streamlit_folium"}
# Un seul module des données lit des contours ; GDAL (pyogrio) n'y entre pas plus qu'ailleurs.
LECTEUR_DE_CONTOURS = "ctg_data/lecture/contours.py"
GEOMETRIE_DES_CONTOURS = {"shapely", "geopandas", "pyproj"}
ECRAN = {"streamlit", "streamlit_folium", "pages", "app"}
APPELS_INTERDITS = {"eval", "exec", "read_pickle", "read_file", "compile"}
# Chaque appel écrit du HTML par nous seuls : un fichier livré, un choix vérifié.
HTML_CONNU = {
    "st.html(RACINE / 'static' / 'style.css')",
    "st.html(f'<style>:root{{--audience:var(--audience-{contexte.audience})}}</style>')",
}
ADRESSES_CONNUES = {"https://tile.openstreetmap.org/{z}/{x}/{y}.png"}


def modules(*dossiers: str) -> list[Path]:
    """Lister les modules Python de ces dossiers (ou fichiers) du projet."""
    chemins = [RACINE / d for d in dossiers]
    return sorted(f for c in chemins for f in ([c] if c.is_file() else c.rglob("*.py")))


APPLICATION = modules("app.py", "pages", "ctg_data", "geodata")


def nom(chemin: Path) -> str:
    return chemin.relative_to(RACINE).as_posix()


def arbre(chemin: Path) -> ast.Module:
    return ast.parse(chemin.read_text("utf-8"))


def importes(chemin: Path) -> set[str]:
    """Rendre le premier mot de chaque module importé, même au fond d'une fonction."""
    noms: set[str] = set()
    for noeud in ast.walk(arbre(chemin)):
        if isinstance(noeud, ast.Import):
            noms |= {a.name.split(".")[0] for a in noeud.names}
        elif isinstance(noeud, ast.ImportFrom):
            noms.add((noeud.module or "").split(".")[0])
    return noms


def appels(chemin: Path) -> Iterator[tuple[str, ast.Call]]:
    """Rendre chaque appel avec le dernier mot du nom appelé."""
    for noeud in ast.walk(arbre(chemin)):
        if isinstance(noeud, ast.Call) and isinstance(noeud.func, ast.Name | ast.Attribute):
            fonction = noeud.func
            yield (fonction.id if isinstance(fonction, ast.Name) else fonction.attr), noeud


def textes_executables(chemin: Path) -> Iterator[str]:
    """Rendre les chaînes du code, docstrings exclues."""
    racine = arbre(chemin)
    porteurs = (ast.Module, ast.ClassDef, ast.FunctionDef)
    tetes = {
        id(n.body[0].value)
        for n in ast.walk(racine)
        if isinstance(n, porteurs) and n.body and isinstance(n.body[0], ast.Expr)
    }
    for noeud in ast.walk(racine):
        texte = isinstance(noeud, ast.Constant) and isinstance(noeud.value, str)
        if texte and id(noeud) not in tetes:
            yield noeud.value


@pytest.mark.parametrize("chemin", modules("ctg_data"), ids=nom)
def test_les_donnees_ignorent_l_ecran_et_la_geometrie(chemin: Path) -> None:
    permise = GEOMETRIE_DES_CONTOURS if nom(chemin) == LECTEUR_DE_CONTOURS else set()
    assert not importes(chemin) & (ECRAN | GEOMETRIE | {"geodata"}) - permise


@pytest.mark.parametrize("chemin", modules("geodata"), ids=nom)
def test_les_cartes_ignorent_l_ecran(chemin: Path) -> None:
    assert not importes(chemin) & ECRAN


def test_streamlit_ne_sert_qu_aux_pages() -> None:
    sources = modules("app.py", "pages", "ctg_data", "geodata", "scripts")
    porteurs = {nom(c) for c in sources if "streamlit" in importes(c)}
    assert porteurs
    assert all(p == "app.py" or p.startswith("pages/") for p in porteurs)


@pytest.mark.parametrize("chemin", APPLICATION, ids=nom)
def test_aucun_appel_dangereux(chemin: Path) -> None:
    autorises = {"re.compile"}
    fautifs = [
        ast.unparse(a)
        for mot, a in appels(chemin)
        if mot in APPELS_INTERDITS and ast.unparse(a.func) not in autorises
    ]
    assert not fautifs


@pytest.mark.parametrize("chemin", APPLICATION, ids=nom)
def test_aucun_html_non_relu(chemin: Path) -> None:
    assert "unsafe_allow_html" not in chemin.read_text("utf-8")
    assert "components.v1" not in chemin.read_text("utf-8")
    html = {ast.unparse(a) for mot, a in appels(chemin) if mot in {"html", "iframe"}}
    assert html <= HTML_CONNU


def test_le_navigateur_n_ecrit_en_html_que_la_legende() -> None:
    scripts = [f.read_text("utf-8") for f in (RACINE / "static").glob("*.js")]
    ecrits = re.findall(
        r"\S*(?:innerHTML|outerHTML|insertAdjacentHTML|document\.write).*", "\n".join(scripts)
    )
    assert ecrits == ["bloc.legende.innerHTML = recu.legende;"]


@pytest.mark.parametrize("chemin", APPLICATION, ids=nom)
def test_aucune_adresse_hors_du_fond_de_carte(chemin: Path) -> None:
    adresses = {t for t in textes_executables(chemin) if re.search(r"https?://", t)}
    assert adresses <= (ADRESSES_CONNUES if nom(chemin) == "geodata/rendu_folium.py" else set())


@pytest.mark.parametrize("chemin", APPLICATION, ids=nom)
def test_aucune_annee_en_dur(chemin: Path) -> None:
    nombres = {n.value for n in ast.walk(arbre(chemin)) if isinstance(n, ast.Constant)}
    annees = {n for n in nombres if type(n) in (int, float) and 1990 <= n <= 2060}
    assert not annees
    assert not [t for t in textes_executables(chemin) if re.search(r"\b(19|20)\d\d\b", t)]


@pytest.mark.parametrize("chemin", APPLICATION, ids=nom)
def test_chaque_module_et_fonction_publique_se_presente(chemin: Path) -> None:
    racine = arbre(chemin)
    publics = [
        n
        for n in racine.body
        if isinstance(n, ast.FunctionDef | ast.ClassDef) and not n.name.startswith("_")
    ]
    assert ast.get_docstring(racine)
    assert [n.name for n in publics if not ast.get_docstring(n)] == []


def test_chaque_exigence_est_bornee() -> None:
    for fichier in ("requirements.txt", "requirements-dev.txt"):
        lignes = (RACINE / fichier).read_text("utf-8").splitlines()
        paquets = [li for li in lignes if li and not li.startswith(("#", "-r"))]
        assert paquets
        assert [p for p in paquets if not re.search(r">=.+,<\d|==\d", p)] == []


def test_les_parametres_sont_dates_et_sources() -> None:
    for chemin in (RACINE / "ctg_data" / "parametres").glob("*.csv"):
        entete, *lignes = chemin.read_text("utf-8").splitlines()
        assert {"source", "date_bareme", "verifie_le"} <= set(entete.split(";"))
        assert lignes and all(re.search(r";\d{4}-\d\d-\d\d;\d{4}-\d\d-\d\d$", li) for li in lignes)
