"""Le banc de lecture tourne et tous ses lecteurs gardent les mêmes lignes ; aucun temps jugé."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import lecture_nationale as banc
from bench.fabrique import fabriquer_bpe, fabriquer_melodi


@pytest.mark.parametrize("nom", ["BPE.csv", "MELODI.csv"])
def test_tous_les_lecteurs_gardent_les_memes_lignes(nom: str, tmp_path: Path) -> None:
    chemin = tmp_path / nom
    if nom == "BPE.csv":
        fabriquer_bpe(chemin, 20_000)
    else:
        fabriquer_melodi(chemin, 2_000)
    gardees = {lecteur: banc.mesurer_ici(lecteur, chemin).lignes for lecteur in banc.NOMS}
    assert len(set(gardees.values())) == 1 and min(gardees.values()) > 0


def test_le_rapport_au_plancher_se_calcule_tour_par_tour() -> None:
    def releves(*secondes: float) -> list[banc.Releve]:
        return [banc.Releve(s, 1, 1) for s in secondes]

    lus = {"polars": releves(1, 4), "duckdb": releves(2, 2), "pyarrow": releves(3, 3)}
    assert banc.rapports(lus | {"boussole": releves(2, 1)}, "boussole") == [2, 0.5]
