"""Vérifier les schémas lus et le dictionnaire qu'ils engendrent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import construire_docs
from ctg_data.lecture.noms import cle_de_nom
from ctg_data.schema import DOSSIER, TYPES, dictionnaire, dictionnaire_markdown, schemas

RACINE = Path(__file__).resolve().parent.parent
# Les règles que la validation applique ; une règle écrite ailleurs ne serait jamais vérifiée.
APPLIQUEES = {"required", "minimum", "maximum", "minLength", "pattern", "enum"}


def test_le_dictionnaire_publie_est_celui_des_schemas() -> None:
    assert (RACINE / "docs" / "dictionnaire.md").read_text("utf-8") == dictionnaire_markdown()


def test_le_script_ecrit_le_dictionnaire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cible = tmp_path / "dictionnaire.md"
    monkeypatch.setattr(construire_docs, "CIBLE", cible)
    construire_docs.main()
    assert cible.read_bytes() == dictionnaire_markdown().encode("utf-8")


def test_chaque_fichier_de_schema_est_lu_sous_son_nom() -> None:
    assert set(schemas()) == {f.stem for f in DOSSIER.glob("*.json")}
    assert all(nom == schema.nom for nom, schema in schemas().items())


@pytest.mark.parametrize("nom", schemas())
def test_le_dictionnaire_a_une_ligne_par_colonne(nom: str) -> None:
    schema = schemas()[nom]
    table = dictionnaire(schema)
    assert list(table["Colonne"]) == [c.nom for c in schema.colonnes]
    assert (table.drop(columns=["Unité", "Autres noms acceptés"]) != "").all(axis=None)
    assert set(table["Type"]) <= set(TYPES.values())


@pytest.mark.parametrize("nom", schemas())
def test_chaque_regle_declaree_est_appliquee(nom: str) -> None:
    brut = json.loads((DOSSIER / f"{nom}.json").read_text("utf-8"))
    assert {r for c in brut["fields"] for r in c["constraints"]} <= APPLIQUEES


@pytest.mark.parametrize("nom", schemas())
def test_le_tableau_markdown_a_neuf_colonnes_partout(nom: str) -> None:
    section = dictionnaire_markdown().split(f"## {nom} — ")[1].split("\n## ")[0]
    lignes = [li for li in section.splitlines() if li.startswith("|")]
    assert len(lignes) == 2 + len(schemas()[nom].colonnes)
    assert {li.replace("\\|", "").count("|") for li in lignes} == {10}


@pytest.mark.parametrize("nom", schemas())
def test_un_synonyme_ne_designe_qu_une_colonne(nom: str) -> None:
    """Deux colonnes d'une table ne se disputent jamais le même nom."""
    noms = [
        cle
        for colonne in schemas()[nom].colonnes
        for cle in {cle_de_nom(n) for n in (colonne.nom, *colonne.synonymes)}
    ]
    assert len(noms) == len(set(noms))


def test_une_colonne_inconnue_est_une_erreur() -> None:
    with pytest.raises(KeyError):
        schemas()["naissances"].colonne("absente")
