"""Le banc de mesure tourne et donne un rapport ; aucun temps absolu n'est jugé ici."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

RACINE = Path(__file__).parents[1]


@pytest.mark.navigateur
def test_le_banc_rapide_donne_des_rapports():
    sortie = subprocess.run(
        [sys.executable, "-m", "bench", "--rapide"],
        cwd=RACINE,
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
    ).stdout
    lignes = re.findall(r"^\| 44 \|(.*)\|$", sortie, re.MULTILINE)
    rapports = {ligne.split("|")[0].strip(): ligne.split("|")[-3:] for ligne in lignes}
    assert set(rapports) == {
        "Offre et besoins",
        "page vide",
        "naïve, carte seule",
        "naïve, même contenu",
    }
    assert float(rapports["page vide"][0].replace(",", ".")) == 1
    assert float(rapports["naïve, carte seule"][1].replace(",", ".")) == 1
    assert float(rapports["Offre et besoins"][0].replace(",", ".")) > 0
