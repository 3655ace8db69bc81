"""Déposer : tout ou rien sous les coupures, réversible, jamais dans un territoire livré."""

from __future__ import annotations

import csv
import datetime as dt
import errno
import io
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctg_data import bascule, depot, ecriture
from ctg_data.controle import controler
from ctg_data.creation import composer, creer
from ctg_data.depot import apercu, appliquer, chez_soi, historique, original, revenir, terminer
from ctg_data.ecriture import ErreurEcriture, csv_de_table, denuder
from ctg_data.exports.tableur import neutraliser
from ctg_data.schema import schemas
from ctg_data.territoire import EMBARQUES, FICHE, charger

QUAND = dt.datetime(2026, 11, 22, 9, 30, tzinfo=dt.UTC)
CODES = ["30047", "30258"]
fourche = pytest.mark.skipif(sys.platform == "win32", reason="os.fork n'existe pas sous Windows")


def naissances(*lignes: tuple[str, int, float], source: str = "Insee, état civil") -> pd.DataFrame:
    """Rendre une table de naissances : (code, année, naissances)…"""
    table = pd.DataFrame(lignes, columns=["code_commune", "annee", "naissances"])
    return table.assign(statut="officiel", source=source)


def emploi(*lignes: tuple[str, int, float]) -> pd.DataFrame:
    table = pd.DataFrame(lignes, columns=["code_commune", "annee", "actifs_occupes"])
    return table.assign(statut="officiel", source="Insee, RP")


def poser(dossier: Path, tables: dict, quand: dt.datetime = QUAND, **options) -> depot.Depot:
    """Appliquer un dépôt avec des valeurs d'usage."""
    arguments = {
        "original": b"octets d'origine",
        "fichier": "fichier.csv",
        "provenance": {"producteur": "Insee", "millesime": "2023"},
        "auteur": "Camille",
        **options,
    }
    return appliquer(dossier, tables, quand=quand, **arguments)


def etat(dossier: Path) -> dict[str, bytes]:
    """Rendre les octets de chaque fichier du territoire, dépôts exclus."""
    return {f.name: f.read_bytes() for f in sorted(dossier.iterdir()) if f.is_file()}


@pytest.fixture
def dossier(tmp_path: Path) -> Path:
    """Créer un territoire de deux communes qui a déjà une table."""
    cree = creer(tmp_path / "donnees" / "territoires", composer("Essai", CODES))
    table = naissances(("30047", 2022, 60), ("30258", 2022, 170))
    (cree / "naissances.csv").write_bytes(csv_de_table(table))
    return cree


# --- Fondre -------------------------------------------------------------------------------------


def test_un_millesime_nouveau_s_ajoute(dossier: Path) -> None:
    pose = poser(dossier, {"naissances": naissances(("30047", 2023, 61), ("30258", 2023, 171))})
    donnees = charger(dossier)
    assert donnees.anomalies == ()
    assert len(donnees.tables["naissances"]) == 4
    comptes = {"ajoutees": 2, "modifiees": 0, "retirees": 0, "inchangees": 2}
    assert pose.tables == {"naissances": comptes}


def test_une_valeur_revisee_remplace_la_sienne(dossier: Path) -> None:
    revisees = naissances(("30047", 2022, 62), ("30258", 2022, 170))
    changements = apercu(dossier, {"naissances": revisees}).tables["naissances"]
    assert changements.phrase == "1\u00a0ligne modifiée"
    (cellule,) = changements.modifiees.to_dict("records")
    assert (cellule["code_commune"], cellule["colonne"]) == ("30047", "naissances")
    assert (cellule["avant"], cellule["apres"]) == (60, 62)
    poser(dossier, {"naissances": revisees})
    table = charger(dossier).tables["naissances"].set_index("code_commune")
    assert table["naissances"].to_dict() == {"30047": 62, "30258": 170}


def test_l_apercu_n_ecrit_rien(dossier: Path) -> None:
    avant = etat(dossier)
    assert apercu(dossier, {"naissances": naissances(("30047", 2023, 1))}).applicable
    assert etat(dossier) == avant and not (dossier / "depots").exists()


def test_remplacer_retire_le_reste(dossier: Path) -> None:
    neuves = {"naissances": naissances(("30047", 2023, 61))}
    prevu = apercu(dossier, neuves, remplacer=True).tables["naissances"]
    assert (len(prevu.ajoutees), len(prevu.retirees), prevu.exemples) == (1, 2, 0)
    assert prevu.phrase == "1\u00a0ligne ajoutée et 2\u00a0lignes retirées"
    poser(dossier, neuves, remplacer=True)
    assert list(charger(dossier).tables["naissances"]["annee"]) == [2023]


def test_redeposer_le_meme_fichier_ne_change_rien(dossier: Path) -> None:
    meme = {"naissances": naissances(("30047", 2022, 60), ("30258", 2022, 170))}
    prevu = apercu(dossier, meme)
    assert not prevu.applicable
    assert prevu.tables["naissances"].phrase == "rien ne change"


def equipements(nom: str, statut: str, **colonnes: object) -> pd.DataFrame:
    ligne = {"code_equipement": nom, "nom": nom, "type": "eaje_psu", "code_commune": "30258"}
    valeurs = {**ligne, "annee": 2025, "statut": statut, "source": "Ville", **colonnes}
    exigees = dict.fromkeys(schemas()["equipements"].obligatoires)
    return pd.DataFrame([{**exigees, **valeurs}])


def test_les_exemples_cedent_la_place_aux_vraies_lignes(dossier: Path) -> None:
    poser(dossier, {"equipements": equipements("EX-1", "exemple")})
    vraies = {"equipements": equipements("CR-1", "local")}
    prevu = apercu(dossier, vraies).tables["equipements"]
    assert (prevu.exemples, len(prevu.retirees), len(prevu.ajoutees)) == (1, 1, 1)
    assert "dont\u00a01\u00a0exemple" in prevu.phrase
    poser(dossier, vraies)
    assert list(charger(dossier).tables["equipements"]["code_equipement"]) == ["CR-1"]


def test_des_exemples_deposes_ne_chassent_pas_les_autres(dossier: Path) -> None:
    poser(dossier, {"equipements": equipements("EX-1", "exemple")})
    poser(dossier, {"equipements": equipements("EX-2", "exemple")})
    assert len(charger(dossier).tables["equipements"]) == 2


def test_une_colonne_que_le_fichier_ne_porte_pas_est_gardee(dossier: Path) -> None:
    poser(dossier, {"equipements": equipements("CR-1", "local", horaires="7 h 30 - 18 h")})
    poser(dossier, {"equipements": equipements("CR-1", "local", places_ouvertes=20)})
    (ligne,) = charger(dossier).tables["equipements"].to_dict("records")
    assert (ligne["horaires"], ligne["places_ouvertes"]) == ("7 h 30 - 18 h", 20)


def test_une_colonne_propre_a_l_utilisateur_est_gardee(dossier: Path) -> None:
    chemin = dossier / "naissances.csv"
    chemin.write_text(
        "code_commune;annee;naissances;statut;source;remarque\n"
        "30047;2022;60;officiel;Insee;vérifié\n30258;2022;170;officiel;Insee;\n",
        "utf-8",
    )
    poser(dossier, {"naissances": naissances(("30047", 2023, 61), source="Insee")})
    lignes = chemin.read_text("utf-8-sig").splitlines()
    assert '"remarque"' in lignes[0]
    assert [li.endswith('"vérifié"') for li in lignes[1:]] == [True, False, False]


def test_une_cle_a_borne_ouverte_se_reconnait(dossier: Path) -> None:
    ligne = {"code_commune": "30258", "annee": 2023, "sexe": "F", "age_min": 95, "age_max": None}
    table = pd.DataFrame([{**ligne, "population": 12.5, "statut": "officiel", "source": "Insee"}])
    poser(dossier, {"population_age": table})
    assert apercu(dossier, {"population_age": table}).tables["population_age"].inchangees == 1


def test_une_valeur_vide_n_est_pas_un_zero(dossier: Path) -> None:
    table = pd.DataFrame(
        [["30047", 2023, "niveau_vie_median", None], ["30258", 2023, "niveau_vie_median", 0.0]],
        columns=["code_commune", "annee", "mesure", "valeur"],
    ).assign(statut=["secret", "officiel"], source="Insee, Filosofi")
    poser(dossier, {"revenus": table})
    valeurs = charger(dossier).tables["revenus"]["valeur"]
    assert valeurs.isna().tolist() == [True, False] and valeurs.iloc[1] == 0


# --- Refuser ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "colonne"),
    [
        (naissances(("30047", 2023, -1)), "naissances"),
        (naissances(("30189", 2023, 1)), "code_commune"),
        (naissances(("30047", 2023, 1), ("30047", 2023, 2)), "code_commune"),
        (naissances(("30047", 2023, 1)).drop(columns="source"), "source"),
    ],
    ids=["negatif", "ailleurs", "doublon", "sans_source"],
)
def test_une_table_fautive_est_refusee_et_rien_ne_change(
    dossier: Path, table: pd.DataFrame, colonne: str
) -> None:
    avant = etat(dossier)
    bonne = emploi(("30047", 2023, 10.0))
    prevu = apercu(dossier, {"emploi": bonne, "naissances": table})
    assert not prevu.applicable
    assert {(a.fichier, a.colonne) for a in prevu.anomalies} == {("naissances.csv", colonne)}
    with pytest.raises(ErreurEcriture, match=colonne):
        poser(dossier, {"emploi": bonne, "naissances": table})
    assert etat(dossier) == avant and historique(dossier) == []


def test_une_table_actuelle_fautive_demande_a_etre_remplacee(dossier: Path) -> None:
    (dossier / "naissances.csv").write_text("code_commune;annee;naissances\n30047;x;1\n", "utf-8")
    neuves = {"naissances": naissances(("30047", 2023, 61))}
    with pytest.raises(ErreurEcriture, match="la table actuelle a des fautes"):
        poser(dossier, neuves)
    fautive = etat(dossier)
    poser(dossier, neuves, remplacer=True)
    assert charger(dossier).anomalies == ()
    revenir(dossier, historique(dossier)[0].identifiant, "Camille", QUAND)
    assert etat(dossier) == fautive


def test_une_fiche_fautive_refuse_tout(dossier: Path) -> None:
    (dossier / FICHE).write_text("nom = ", "utf-8")
    with pytest.raises(ErreurEcriture, match="TOML"):
        poser(dossier, {"naissances": naissances(("30047", 2023, 1))}, remplacer=True)


def test_un_etat_que_l_on_n_a_pas_vu_n_est_pas_ecrase(dossier: Path) -> None:
    neuves = {"naissances": naissances(("30047", 2023, 61))}
    marque = apercu(dossier, neuves).marque
    poser(dossier, {"naissances": naissances(("30258", 2023, 170))})
    with pytest.raises(ErreurEcriture, match="ont changé depuis l'aperçu"):
        poser(dossier, neuves, marque=marque)
    poser(dossier, neuves, marque=apercu(dossier, neuves).marque)


def test_un_territoire_livre_n_est_jamais_modifie(tmp_path: Path) -> None:
    livre = EMBARQUES / "costieres_camargue"
    avant = etat(livre)
    neuves = {"naissances": naissances(("30258", 2023, 1), source="Ville")}
    for action in (lambda: poser(livre, neuves), lambda: revenir(livre, "x", "", QUAND)):
        with pytest.raises(ErreurEcriture, match="territoire livré"):
            action()
    racine = tmp_path / "donnees" / "territoires"
    copie = chez_soi(livre, racine)
    assert copie == racine / "costieres_camargue" and chez_soi(livre, racine) == copie
    assert chez_soi(copie, racine) == copie
    poser(copie, neuves)
    assert etat(livre) == avant and not (livre / "depots").exists()
    assert charger(copie).anomalies == ()


# --- Garder et revenir --------------------------------------------------------------------------


def test_l_original_et_la_provenance_sont_gardes(dossier: Path) -> None:
    octets = "été;\n".encode("cp1252")
    neuves = {"naissances": naissances(("30047", 2023, 61))}
    pose = poser(dossier, neuves, original=octets, fichier="../../naissances 2023.CSV")
    assert historique(dossier) == [pose]
    assert original(dossier, pose.identifiant) == octets
    assert (dossier / "depots" / pose.identifiant / "original.csv").read_bytes() == octets
    assert (pose.auteur, pose.quand) == ("Camille", "2026-11-22T09:30:00+00:00")
    assert pose.empreinte == depot.empreinte(octets) and pose.taille == len(octets)
    assert pose.provenance == {"producteur": "Insee", "millesime": "2023"}
    assert original(dossier, "../..") is None


@pytest.mark.parametrize("fichier", ["x.exe", "x", "", "a.csv/../../b", "con.csv\x00", "é" * 300])
def test_le_nom_du_fichier_ne_fait_jamais_un_chemin(dossier: Path, fichier: str) -> None:
    pose = poser(dossier, {"naissances": naissances(("30047", 2023, 1))}, fichier=fichier)
    assert historique(dossier)[0].fichier == fichier
    presents = {f.name for f in (dossier / "depots" / pose.identifiant).iterdir()}
    assert len(presents & {"original.bin", "original.csv"}) == 1


def test_revenir_remet_les_octets_d_avant_et_se_defait(dossier: Path) -> None:
    depart = etat(dossier)
    un = poser(dossier, {"naissances": naissances(("30047", 2023, 61))})
    apres_un = etat(dossier)
    demain = QUAND + dt.timedelta(days=1)
    deux = poser(dossier, {"naissances": naissances(("30047", 2024, 5))}, quand=demain)
    apres_deux = etat(dossier)
    retour = revenir(dossier, deux.identifiant, "Dominique", demain)
    assert etat(dossier) == apres_un
    assert (retour.nature, retour.retour_de, retour.auteur) == (
        "retour",
        deux.identifiant,
        "Dominique",
    )
    assert retour.tables["naissances"]["retirees"] == 1
    revenir(dossier, retour.identifiant, "Camille", demain)
    assert etat(dossier) == apres_deux
    revenir(dossier, un.identifiant, "Camille", demain)
    assert etat(dossier) == depart
    assert len(historique(dossier)) == 5
    assert original(dossier, retour.identifiant) is None


def test_revenir_ote_une_table_qui_n_existait_pas(dossier: Path) -> None:
    depart = etat(dossier)
    pose = poser(dossier, {"emploi": emploi(("30047", 2023, 10.0))})
    assert (dossier / "emploi.csv").is_file()
    retour = revenir(dossier, pose.identifiant, "Camille", QUAND)
    assert etat(dossier) == depart
    revenir(dossier, retour.identifiant, "Camille", QUAND)
    assert len(charger(dossier).tables["emploi"]) == 1


def test_une_retouche_a_la_main_est_gardee_par_le_depot_suivant(dossier: Path) -> None:
    poser(dossier, {"naissances": naissances(("30047", 2023, 61))})
    chemin = dossier / "naissances.csv"
    chemin.write_bytes(chemin.read_bytes().replace(b"61;", b"64;"))
    retouche = etat(dossier)
    suivant = poser(dossier, {"naissances": naissances(("30047", 2024, 5))})
    revenir(dossier, suivant.identifiant, "Camille", QUAND)
    assert etat(dossier) == retouche


def test_un_depot_inconnu_ne_defait_rien(dossier: Path) -> None:
    avant = etat(dossier)
    for inconnu in ("", "..", "20260101T000000-00000000", "/etc"):
        with pytest.raises(ErreurEcriture, match="dépôt inconnu"):
            revenir(dossier, inconnu, "Camille", QUAND)
    assert etat(dossier) == avant


def test_une_provenance_abimee_ne_cache_pas_les_autres(dossier: Path) -> None:
    un = poser(dossier, {"naissances": naissances(("30047", 2023, 61))})
    deux = poser(dossier, {"naissances": naissances(("30047", 2024, 62))})
    (dossier / "depots" / un.identifiant / "provenance.json").write_text("{", "utf-8")
    (dossier / "depots" / "mes notes").mkdir()
    assert historique(dossier) == [deux]


def test_les_contours_deposes_se_defont_aussi(dossier: Path) -> None:
    pose = poser(dossier, {}, contours=b'{"type": "FeatureCollection"}')
    assert (dossier / "essai.geojson").is_file() and pose.fichiers == ("essai.geojson",)
    revenir(dossier, pose.identifiant, "Camille", QUAND)
    assert not (dossier / "essai.geojson").exists()


def test_un_historique_ecrit_par_un_autre_ne_touche_aucun_autre_fichier(dossier: Path) -> None:
    pose = poser(dossier, {"naissances": naissances(("30047", 2023, 61))})
    chemin = dossier / "depots" / pose.identifiant / "provenance.json"
    brut = json.loads(chemin.read_text("utf-8"))
    chemin.write_text(json.dumps({**brut, "fichiers": ["territoire.toml", "../x.csv"]}), "utf-8")
    avant = etat(dossier)
    revenir(dossier, pose.identifiant, "Camille", QUAND)
    assert etat(dossier) == avant


# --- Couper -------------------------------------------------------------------------------------

APPELS = ("replace", "rename", "unlink", "rmdir", "mkdir", "fsync")


class Coupure:
    """Compter les gestes faits au disque, et agir juste avant ou juste après le énième."""

    def __init__(self, rang: int, agir: Callable[[], None], apres: bool = False) -> None:
        self.rang, self.agir, self.apres, self.faits = rang, agir, apres, 0

    def poser(self, remplacer: Callable[[object, str, object], None]) -> None:
        for nom in APPELS:
            remplacer(os, nom, self._garder(getattr(os, nom)))

    def _garder(self, vrai: Callable) -> Callable:
        def geste(*arguments, **options):
            self.faits += 1
            ici = self.faits == self.rang
            if ici and not self.apres:
                self.agir()
            try:
                return vrai(*arguments, **options)
            finally:
                if ici and self.apres:
                    self.agir()

        return geste


def depot_de_deux_tables(dossier: Path) -> None:
    tables = {
        "naissances": naissances(("30047", 2023, 61), ("30258", 2022, 171)),
        "emploi": emploi(("30047", 2023, 10.0)),
    }
    poser(dossier, tables)


def en_fils(travail: Callable[[], None]) -> int:
    """Faire un travail dans un processus fils ; rendre son code de fin (négatif : signal)."""
    fils = os.fork()
    if fils == 0:
        try:
            travail()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(fils, 0)[1])


def tuer() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def copies(dossier: Path) -> Iterator[Path]:
    """Donner des copies neuves d'un territoire, chacune dans ses propres données."""
    rang = 0
    while True:
        rang += 1
        cible = dossier.parent.parent.parent / f"copie{rang}" / "territoires" / dossier.name
        shutil.copytree(dossier, cible)
        yield cible


def etats_permis(dossier: Path) -> tuple[dict[str, bytes], dict[str, bytes]]:
    temoin = next(copies(dossier))
    depot_de_deux_tables(temoin)
    permis = etat(dossier), etat(temoin)
    shutil.rmtree(temoin.parent.parent)
    return permis


def verifier_entier(essai: Path, avant: dict[str, bytes], apres: dict[str, bytes]) -> bool:
    """Rouvrir un territoire coupé : tout ou rien, historique compris. Rend si c'est tout."""
    terminer(essai)
    fait = etat(essai) == apres
    assert fait or etat(essai) == avant
    assert len(historique(essai)) == fait
    # La vie continue : le dépôt suivant passe, et ne laisse rien derrière lui.
    poser(essai, {"emploi": emploi(("30258", 2023, 20.0))})
    assert len(historique(essai)) == fait + 1
    assert not [f for f in (essai / "depots").iterdir() if f.name.startswith(".")]
    assert not (essai / "depots" / "bascule.json").exists()
    return fait


@fourche
@pytest.mark.parametrize("juste_apres", [False, True])
def test_un_kill_9_a_chaque_geste_laisse_tout_ou_rien(dossier: Path, juste_apres: bool) -> None:
    avant, apres = etats_permis(dossier)
    neufs, finis, rang, code = copies(dossier), [], 0, -signal.SIGKILL
    while code == -signal.SIGKILL:
        rang += 1
        essai = next(neufs)

        def travail(essai: Path = essai, rang: int = rang) -> None:
            Coupure(rang, tuer, juste_apres).poser(setattr)
            depot_de_deux_tables(essai)

        code = en_fils(travail)
        assert code in (0, -signal.SIGKILL)
        finis.append(verifier_entier(essai, avant, apres))
    # Tués d'abord avant l'intention (rien), puis après elle (tout), sans retour en arrière.
    assert rang > 25
    assert finis == sorted(finis) and finis[0] is False and finis.count(True) > 5


@fourche
def test_un_kill_9_pendant_un_retour_laisse_tout_ou_rien(dossier: Path) -> None:
    depart = etat(dossier)
    depot_de_deux_tables(dossier)
    pose, bilan = historique(dossier)[0], etat(dossier)
    neufs, rang, code = copies(dossier), 0, -signal.SIGKILL
    while code == -signal.SIGKILL:
        rang += 1
        essai = next(neufs)

        def travail(essai: Path = essai, rang: int = rang) -> None:
            Coupure(rang, tuer).poser(setattr)
            revenir(essai, pose.identifiant, "Camille", QUAND)

        code = en_fils(travail)
        terminer(essai)
        assert etat(essai) in (depart, bilan)
        assert len(historique(essai)) == (2 if etat(essai) == depart else 1)
    assert rang > 20


@fourche
def test_un_fichier_coupe_au_milieu_ne_prend_jamais_la_place(dossier: Path) -> None:
    avant, apres = etats_permis(dossier)
    neufs = copies(dossier)
    for rang in range(1, 8):
        essai, appels = next(neufs), []

        def travail(essai: Path = essai, rang: int = rang, appels: list = appels) -> None:
            def ecrire(chemin: Path, octets: bytes) -> None:
                appels.append(chemin)
                if len(appels) == rang:
                    chemin.write_bytes(octets[: len(octets) // 2])
                    tuer()
                ecriture.ecrire(chemin, octets)

            bascule.ecrire = ecrire
            depot_de_deux_tables(essai)

        code = en_fils(travail)
        assert code == -signal.SIGKILL or rang > 6
        assert verifier_entier(essai, avant, apres) == (code == 0)


@fourche
def test_un_kill_9_pendant_la_reprise_se_reprend(dossier: Path) -> None:
    avant, apres = etats_permis(dossier)
    neufs = copies(dossier)

    def tue_au(rang: int, essai: Path, action: Callable[[Path], None]) -> int:
        def travail() -> None:
            Coupure(rang, tuer).poser(setattr)
            action(essai)

        return en_fils(travail)

    essai = next(neufs)
    juste_declare = next(
        rang
        for rang in range(1, 60)
        if tue_au(rang, essai := next(neufs), depot_de_deux_tables)
        and (essai / "depots" / "bascule.json").is_file()
    )
    for rang in range(1, 12):
        essai = next(neufs)
        tue_au(juste_declare, essai, depot_de_deux_tables)
        tue_au(rang, essai, terminer)
        assert verifier_entier(essai, avant, apres)


@pytest.mark.parametrize("numero", [errno.ENOSPC, errno.EIO, errno.EACCES])
def test_un_refus_du_disque_a_chaque_geste_laisse_tout_ou_rien(dossier: Path, numero: int) -> None:
    avant, apres = etats_permis(dossier)
    neufs, rang, coupes = copies(dossier), 0, 1

    def refuser() -> None:
        raise OSError(numero, "refus")

    while coupes >= rang:
        rang += 1
        essai, message = next(neufs), ""
        coupure = Coupure(rang, refuser)
        with pytest.MonkeyPatch.context() as correctif:
            coupure.poser(correctif.setattr)
            try:
                depot_de_deux_tables(essai)
            except ErreurEcriture as faute:
                message = str(faute)
        coupes = coupure.faits
        if "Rien n'a été changé" in message:
            assert etat(essai) == avant
        verifier_entier(essai, avant, apres)
    assert rang > 25


def test_un_disque_qui_reste_plein_ne_change_rien(
    dossier: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    avant, _ = etats_permis(dossier)
    neufs = copies(dossier)
    for rang in range(6):
        essai, ecrits = next(neufs), []

        def ecrire(chemin: Path, octets: bytes, rang: int = rang, ecrits: list = ecrits) -> None:
            ecrits.append(chemin)
            if len(ecrits) > rang:
                raise OSError(errno.ENOSPC, "No space left on device")
            ecriture.ecrire(chemin, octets)

        monkeypatch.setattr(bascule, "ecrire", ecrire)
        with pytest.raises(ErreurEcriture, match="le disque est plein"):
            depot_de_deux_tables(essai)
        monkeypatch.undo()
        assert etat(essai) == avant and historique(essai) == []


def test_un_fichier_ouvert_dans_un_tableur_defait_tout(
    dossier: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    avant, _ = etats_permis(dossier)
    vrai = os.replace

    def replace(source: Path, cible: Path) -> None:
        if Path(cible) == dossier / "naissances.csv":
            faute = PermissionError(errno.EACCES, "sharing violation")
            faute.winerror = 32
            raise faute
        vrai(source, cible)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(ErreurEcriture, match="ouvert dans un autre programme"):
        depot_de_deux_tables(dossier)
    # emploi.csv n'existait pas : le dépôt défait l'a ôté.
    assert etat(dossier) == avant and historique(dossier) == []
    monkeypatch.undo()
    depot_de_deux_tables(dossier)
    assert len(historique(dossier)) == 1


def test_un_dossier_en_lecture_seule_est_dit(
    dossier: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    avant = etat(dossier)

    def ecrire(chemin: Path, octets: bytes) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(bascule, "ecrire", ecrire)
    with pytest.raises(ErreurEcriture, match="écriture interdite dans ce dossier"):
        depot_de_deux_tables(dossier)
    assert etat(dossier) == avant


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="root écrit malgré les droits du dossier"
)
def test_un_dossier_sans_droit_d_ecriture_est_dit(dossier: Path) -> None:
    dossier.chmod(0o500)
    try:
        with pytest.raises(ErreurEcriture, match="écriture interdite dans ce dossier"):
            depot_de_deux_tables(dossier)
    finally:
        dossier.chmod(0o700)


@pytest.mark.parametrize(
    "contenu",
    [
        "",
        "{",
        "[]",
        '{"depot": "../../x", "sens": "appliquer", "poser": [], "oter": []}',
        '{"depot": "20261122T093000-00000000", "sens": "appliquer", "poser": [], '
        '"oter": ["../../territoires/essai/territoire.toml"]}',
        '{"depot": "20261122T093000-00000000", "sens": "appliquer", "poser": ["territoire.toml"]}',
    ],
)
def test_un_journal_abime_ou_hostile_est_refuse(dossier: Path, contenu: str) -> None:
    (dossier / "depots").mkdir()
    (dossier / "depots" / "bascule.json").write_text(contenu, "utf-8")
    avant = etat(dossier)
    with pytest.raises(ErreurEcriture, match="journal de dépôt abîmé"):
        terminer(dossier)
    assert etat(dossier) == avant


# --- Écrire à plusieurs -------------------------------------------------------------------------


@fourche
def test_des_depots_simultanes_ne_perdent_rien(dossier: Path) -> None:
    def travail(rang: int) -> None:
        for annee in range(2000 + 5 * rang, 2005 + 5 * rang):
            poser(dossier, {"naissances": naissances(("30047", annee, annee))})

    fils = []
    for rang in range(4):
        processus = os.fork()
        if processus == 0:
            code = 1
            try:
                travail(rang)
                code = 0
            finally:
                os._exit(code)
        fils.append(processus)
    assert [os.waitstatus_to_exitcode(os.waitpid(f, 0)[1]) for f in fils] == [0] * 4
    table = charger(dossier).tables["naissances"]
    assert len(table) == 22 and len(historique(dossier)) == 20
    assert set(table["annee"]) == {*range(2000, 2020), 2022}


def test_une_ecriture_qui_n_en_finit_pas_est_dite(
    dossier: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ecriture, "ATTENTE_S", 0.05)
    avant = etat(dossier)
    with (
        ecriture.verrou(dossier.parent.parent),
        pytest.raises(ErreurEcriture, match="une autre écriture est en cours"),
    ):
        poser(dossier, {"naissances": naissances(("30047", 2023, 61))})
    assert etat(dossier) == avant


# --- Aller et revenir ---------------------------------------------------------------------------


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_l_apostrophe_posee_devant_une_formule_s_ote_exactement(texte: str) -> None:
    assert denuder(neutraliser(texte)) == texte


@given(st.text())
def test_un_texte_ecrit_se_relit_a_l_identique_controles_mis_a_part(texte: str) -> None:
    octets = csv_de_table(pd.DataFrame({"a": [texte], "b": ["fin"]}))
    (_, lue) = csv.reader(io.StringIO(octets.decode("utf-8-sig"), newline=""), delimiter=";")
    assert denuder(lue[0]) == re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", " ", texte)


@given(st.floats(min_value=-1e15, max_value=1e15, allow_nan=False))
def test_un_nombre_s_ecrit_sans_exposant(nombre: float) -> None:
    ecrit = csv_de_table(pd.DataFrame({"a": [nombre]})).decode("utf-8-sig").splitlines()[1]
    assert "e" not in ecrit.lower()
    assert float(ecrit.strip('"').replace(",", ".")) == nombre


@pytest.mark.parametrize("nom", sorted(t.name for t in EMBARQUES.iterdir()))
def test_un_territoire_livre_se_redepose_a_l_identique(tmp_path: Path, nom: str) -> None:
    copie = chez_soi(EMBARQUES / nom, tmp_path / "donnees" / "territoires")
    tables = dict(charger(copie).tables)
    poser(copie, tables, remplacer=True)
    relues = charger(copie)
    assert relues.anomalies == ()
    for table, attendue in tables.items():
        pd.testing.assert_frame_equal(relues.tables[table], attendue)


@pytest.mark.parametrize(
    "texte", ["- Les lutins", "=1+1", "@home", "'déjà", "''x", "+33 crèche", "Côté « cour »", "-5"]
)
def test_un_texte_qui_ressemble_a_une_formule_revient_tel_quel(dossier: Path, texte: str) -> None:
    poser(dossier, {"equipements": equipements("CR-1", "local", gestionnaire=texte)})
    poser(dossier, {"equipements": equipements("CR-2", "local")})
    lus = charger(dossier).tables["equipements"].set_index("code_equipement")["gestionnaire"]
    assert lus["CR-1"] == texte
    octets = (dossier / "equipements.csv").read_bytes().decode("utf-8-sig")
    assert not re.search(r'(^|;)"([=+@]|-\D)', octets)


# --- Toutes les tables déclarées -----------------------------------------------------------------


@pytest.mark.parametrize("nom", sorted(set(schemas()) - {"communes"}))
def test_chaque_table_declaree_se_controle_puis_se_depose(dossier: Path, nom: str) -> None:
    """Deux fois de suite : le second dépôt se compare à une table déjà là."""
    schema = schemas()[nom]
    texte = io.StringIO()
    csv.writer(texte, delimiter=";").writerows(
        [[c.nom for c in schema.colonnes], [c.exemple for c in schema.colonnes]]
    )
    lu = controler(texte.getvalue().encode(), f"{nom}.csv", communes=CODES)
    assert lu.verdict != "refuse", [a.message for a in lu.anomalies]
    for _ in range(2):
        assert not apercu(dossier, lu.tables).anomalies
        if apercu(dossier, lu.tables).applicable:
            poser(dossier, lu.tables)
    relu = charger(dossier)
    assert not [a for a in relu.anomalies if a.erreur] and len(relu.tables[nom])
