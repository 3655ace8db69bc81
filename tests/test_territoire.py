"""Ouvrir des territoires : les deux livrés sans faute, les fautifs sans exception."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctg_data.schema import schemas
from ctg_data.territoire import EMBARQUES, FICHE, charger, lire_fiche, lister

TERRITOIRES = {"costieres_camargue": 8, "gard_rhodanien": 44}
NOM = 'nom = "Essai"\n'
COMMUNES = 'communes = ["30047", "30258"]\n'


def ecrire(dossier: Path, fiche: str | bytes, **tables: str) -> Path:
    """Créer un territoire : sa fiche et ses tables (nom=contenu)."""
    octets = fiche if isinstance(fiche, bytes) else fiche.encode()
    (dossier / FICHE).write_bytes(octets)
    for nom, contenu in tables.items():
        (dossier / f"{nom}.csv").write_text(contenu, "utf-8")
    return dossier


@pytest.mark.parametrize(("nom", "communes"), TERRITOIRES.items())
def test_un_territoire_livre_n_a_aucune_anomalie(nom: str, communes: int) -> None:
    donnees = charger(EMBARQUES / nom)
    assert donnees.anomalies == ()
    assert len(donnees.territoire.communes) == len(donnees.noms) == communes
    assert set(donnees.tables) == set(schemas()) - {"synthese_communale"}


def test_la_fiche_livree_est_lue() -> None:
    territoire, _ = lire_fiche(EMBARQUES / "gard_rhodanien")
    assert territoire.nom == "Gard rhodanien"
    assert territoire.epci[0]["couvre_exactement"] is True
    assert territoire.ctg.annee_fin == 2026
    assert len(territoire.missions) == 6 and all(m.a_verifier for m in territoire.missions)


@pytest.mark.parametrize(
    ("fiche", "regle", "colonne", "valeur"),
    [
        (NOM, "liste des communes absente", "communes", None),
        (NOM + "communes = []", "liste des communes absente", "communes", None),
        (NOM + 'communes = "30258"', "liste des communes absente", "communes", None),
        (NOM + "communes = 30258", "liste des communes absente", "communes", None),
        (NOM + "communes = [30258]", "code commune mal formé", "communes", "30258"),
        (NOM + 'communes = ["1004"]', "code commune mal formé", "communes", "1004"),
        (NOM + 'communes = ["2C004"]', "code commune mal formé", "communes", "2C004"),
        (NOM + 'communes = ["30258", "30258"]', "commune en double", "communes", "30258"),
        (COMMUNES, "rubrique absente", "nom", None),
        ('nom = " "\n' + COMMUNES, "rubrique absente", "nom", None),
        (NOM + COMMUNES + 'departement = "Gard"', "rubrique", "departement, region", None),
        (NOM + COMMUNES + 'epci = "x"', "rubrique", "epci", None),
        (NOM + COMMUNES + "[[epci]]\ncode = 1\nnom = 'x'", "rubrique", "epci", None),
        (NOM + COMMUNES + "[[missions]]\ncode = 'x'", "rubrique", "missions", None),
        (NOM + COMMUNES + "[ctg]\nannee_fin = '2026'", "rubrique", "ctg", None),
        (NOM + COMMUNES + "ctg = 2026", "rubrique", "ctg", None),
        (NOM + COMMUNES + "[ctg", "écriture TOML fautive", None, None),
        ("a = " + "[" * 5000, "écriture TOML fautive", None, None),
        ("a = " + "9" * 5000, "écriture TOML fautive", None, None),
        ('nom = "Générac"'.encode("cp1252"), "la fiche n'est pas en UTF-8", None, None),
    ],
    ids=lambda v: str(v)[:60] if isinstance(v, str | bytes) else None,
)
def test_une_fiche_fautive_dit_quoi_reparer(
    tmp_path: Path, fiche: str | bytes, regle: str, colonne: str | None, valeur: str | None
) -> None:
    territoire, (anomalie,) = lire_fiche(ecrire(tmp_path, fiche))
    assert territoire.communes == ()
    assert anomalie.fichier == FICHE and anomalie.regle.startswith(regle)
    assert (anomalie.colonne, anomalie.valeur, anomalie.erreur) == (colonne, valeur, True)


def test_une_faute_d_ecriture_est_situee(tmp_path: Path) -> None:
    _, (anomalie,) = lire_fiche(ecrire(tmp_path, NOM + COMMUNES + "epci = oui\n"))
    assert anomalie.ligne == 3


def test_toutes_les_fautes_d_une_fiche_sont_dites(tmp_path: Path) -> None:
    _, anomalies = lire_fiche(ecrire(tmp_path, 'communes = ["1", "2"]\nepci = 3'))
    assert [a.colonne for a in anomalies] == ["communes", "communes", "nom", "epci"]


def test_une_fiche_minimale_suffit(tmp_path: Path) -> None:
    territoire, anomalies = lire_fiche(ecrire(tmp_path, "\ufeff" + NOM + COMMUNES))
    assert anomalies == []
    assert (territoire.nom, territoire.code) == ("Essai", tmp_path.name)
    assert (territoire.epci, territoire.missions, territoire.ctg.annee_fin) == ((), (), None)


def test_une_rubrique_inconnue_est_ignoree(tmp_path: Path) -> None:
    _, anomalies = lire_fiche(ecrire(tmp_path, NOM + COMMUNES + "[ctg]\nautre = 1\n[autre]\n"))
    assert anomalies == []


def test_un_dossier_vide_est_un_territoire_vide(tmp_path: Path) -> None:
    donnees = charger(tmp_path)
    assert [a.regle for a in donnees.anomalies] == ["fiche absente ou illisible"]
    assert (dict(donnees.tables), donnees.noms) == ({}, {})


def test_un_territoire_sans_table_est_valide(tmp_path: Path) -> None:
    donnees = charger(ecrire(tmp_path, NOM + COMMUNES))
    assert donnees.anomalies == () and donnees.tables == {}
    assert donnees.noms == {"30047": "30047", "30258": "30258"}


NAISSANCES = "code_commune;annee;naissances;statut;source\n30258;2023;{};officiel;Insee\n"


def test_une_table_fautive_n_ecarte_qu_elle(tmp_path: Path) -> None:
    emploi = "code_commune;annee;actifs_occupes;statut;source\n30258;2023;10;local;Insee\n"
    dossier = ecrire(tmp_path, NOM + COMMUNES, naissances=NAISSANCES.format("x"), emploi=emploi)
    donnees = charger(dossier)
    assert set(donnees.tables) == {"emploi"}
    assert [a.fichier for a in donnees.fautes(["naissances"])] == ["naissances.csv"]
    assert donnees.fautes(["emploi"]) == []


def test_un_avertissement_n_ecarte_pas_la_table(tmp_path: Path) -> None:
    entete = "code_commune;annee;naissances;statut;source;remarque\n"
    contenu = f"{entete}30258;2023;1,2E+01;local;Insee;bof\n"
    donnees = charger(ecrire(tmp_path, NOM + COMMUNES, naissances=contenu))
    assert "naissances" in donnees.tables
    assert [(a.gravite, a.colonne) for a in donnees.anomalies] == [("avertissement", "naissances")]
    assert donnees.fautes(["naissances"]) == []


def test_une_table_illisible_est_dite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dossier = ecrire(tmp_path, NOM + COMMUNES, naissances=NAISSANCES.format(1))

    def refuser(chemin: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(chemin))

    monkeypatch.setattr(Path, "read_bytes", refuser)
    (anomalie,) = charger(dossier).anomalies
    assert (anomalie.fichier, anomalie.regle) == ("naissances.csv", "lecture impossible")


def test_une_commune_sans_ligne_est_une_erreur(tmp_path: Path) -> None:
    dossier = tmp_path / "essai"
    shutil.copytree(EMBARQUES / "costieres_camargue", dossier)
    chemin = dossier / "communes.csv"
    lignes = chemin.read_text("utf-8").splitlines(keepends=True)
    chemin.write_text("".join(li for li in lignes if not li.startswith("30258")), "utf-8")
    donnees = charger(dossier)
    assert "communes" not in donnees.tables
    assert "30258" in donnees.anomalies[0].regle


def test_une_commune_hors_du_territoire_est_une_erreur(tmp_path: Path) -> None:
    contenu = NAISSANCES.format(1).replace("30258", "30259")
    (anomalie,) = charger(ecrire(tmp_path, NOM + COMMUNES, naissances=contenu)).anomalies
    assert (anomalie.ligne, anomalie.valeur) == (2, "30259")


def test_lister_garde_le_dernier_dossier_et_ignore_le_reste(tmp_path: Path) -> None:
    (tmp_path / "gard_rhodanien").mkdir()
    ecrire(tmp_path / "gard_rhodanien", NOM + COMMUNES)
    (tmp_path / "sans_fiche").mkdir()
    connus = lister([EMBARQUES, tmp_path, tmp_path / "absent"])
    assert set(connus) == set(TERRITOIRES)
    assert connus["gard_rhodanien"] == tmp_path / "gard_rhodanien"


@given(st.binary(max_size=200))
def test_aucune_fiche_ne_leve(tmp_path_factory: pytest.TempPathFactory, octets: bytes) -> None:
    dossier = ecrire(tmp_path_factory.mktemp("fiche"), octets)
    territoire, anomalies = lire_fiche(dossier)
    assert bool(territoire.communes) != bool(anomalies)
