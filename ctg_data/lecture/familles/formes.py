"""Mettre à plat un fichier large ou long : une observation par case à remplir."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ctg_data.anomalies import Anomalie
from ctg_data.lecture.familles.modele import (
    Famille,
    Mesure,
    Niveau,
    Reconnaissance,
    correspond,
)
from ctg_data.lecture.familles.reconnaissance import (
    annee_courte,
    colonne_du_role,
    colonnes_de_mesure,
    premiere,
)
from ctg_data.textes import cle_de_tri

# Largeur des tranches de population_age, et première année de la tranche ouverte.
TRANCHE, OUVERTE = 5, 95
# Âges simples que réunit chaque tranche : cinq, et six au bout (95 à 99, puis 100 et plus).
AGES_DE_TRANCHE, AGES_OUVERTS = 5, 6
COMMUNE = "commune"


@dataclass(frozen=True)
class Brut:
    """Porter les lignes lues d'un fichier public, en texte.

    `noms` : tous les noms de colonnes, nettoyés. `cellules` : une colonne par rang lu. `numeros` :
    le numéro de ligne de chacune, ou None quand la lecture en flux ne les connaît pas.
    """

    fichier: str
    noms: tuple[str, ...]
    cellules: pd.DataFrame
    numeros: pd.Series | None = None


@dataclass(frozen=True)
class Cible:
    """Désigner une case : table, champ, clé hors commune et année, et si elle s'additionne."""

    table: str
    champ: str
    cle: tuple[tuple[str, str], ...]
    nature: str

    def cle_texte(self) -> str:
        """Écrire la clé pour un message : « rsa », « F, 0, 4 »."""
        return ", ".join(v for _, v in self.cle if v) or self.champ


@dataclass(frozen=True)
class Observations:
    """Porter les observations mises à plat et les cases qu'elles visent.

    Colonnes de `lignes` : niveau, code, nom, annee (texte ou nombre), cible (rang dans `cibles`),
    texte, tue (le producteur la dit secrète), partie (ce qui la distingue dans sa case), age,
    secours, colonne, ligne.
    """

    lignes: pd.DataFrame
    cibles: tuple[Cible, ...]
    anomalies: tuple[Anomalie, ...] = ()


COLONNES = (
    *("niveau", "code", "nom", "annee", "cible", "texte", "tue", "partie", "age", "secours"),
    *("colonne", "ligne"),
)
SANS_AGE = -1


def rangs_utiles(reconnaissance: Reconnaissance, noms: Sequence[str]) -> list[int]:
    """Lister les colonnes qu'il faut lire : signature, rôles, conditions, dimensions, valeurs."""
    famille = reconnaissance.famille
    if "valeur" in famille.roles:
        return list(range(len(noms)))
    motifs = [m for role in (famille.signature, *famille.roles.values()) for m in role]
    motifs += [m for n in famille.niveaux.values() for m in (*n.code, *n.nom)]
    motifs += [re.escape(c) for c in (*famille.conditions, *_dimensions_citees(famille))]
    rangs = {r for r, nom in enumerate(noms) if any(correspond(m, nom) for m in motifs)}
    rangs |= {r for m in famille.mesures for r, _ in colonnes_de_mesure(m, noms)}
    return sorted(rangs)


def observations(reconnaissance: Reconnaissance, brut: Brut) -> Observations:
    """Mettre un fichier à plat selon sa fiche ; les anomalies disent ce qui reste équivoque."""
    famille = reconnaissance.famille
    mesures = _mesures_libres(famille, brut) if famille.libre else famille.mesures
    cibles: dict[Cible, int] = {}
    morceaux: list[pd.DataFrame] = []
    anomalies: list[Anomalie] = []
    for mesure in mesures:
        lignes, fautes = _totaux(brut, famille, mesure)
        anomalies += fautes
        morceaux += _morceaux(lignes, mesure, reconnaissance, cibles)
    vide = pd.DataFrame(columns=list(COLONNES))
    table = pd.concat(morceaux, ignore_index=True) if morceaux else vide
    return Observations(table, tuple(cibles), tuple(dict.fromkeys(anomalies)))


def garder(brut: Brut, famille: Famille) -> Brut:
    """Ne garder que les lignes de communes : le même fichier porte souvent d'autres niveaux."""
    cellules = brut.cellules
    for colonne, motif in famille.conditions.items():
        rang = premiere([re.escape(colonne)], brut.noms)
        if rang is not None:
            cellules = cellules[_accord(cellules[rang], motif)]
    return Brut(brut.fichier, brut.noms, cellules, brut.numeros)


def _accord(cellules: pd.Series, motif: str) -> pd.Series:
    inverse, motif = motif.startswith("!"), motif.removeprefix("!")
    oui = {c for c in cellules.unique() if bool(correspond(motif, c.strip())) is not inverse}
    return cellules.isin(oui)


def _totaux(brut: Brut, famille: Famille, mesure: Mesure) -> tuple[Brut, list[Anomalie]]:
    """Garder le total de chaque dimension dont la mesure ne parle pas."""
    if not famille.total or famille.libre:
        return brut, []
    fautes = []
    cellules = brut.cellules
    for rang in _dimensions(brut.noms, famille, mesure.quand):
        valeurs = set(cellules[rang].unique())
        if famille.total in valeurs:
            cellules = cellules[cellules[rang] == famille.total]
        elif len(valeurs) > 1:
            regle = f"dimension détaillée sans total ({famille.total})"
            conseil = "Téléchargez le fichier avec le total de cette dimension."
            fautes.append(Anomalie(brut.fichier, regle, conseil, 1, brut.noms[rang]))
    return Brut(brut.fichier, brut.noms, cellules, brut.numeros), fautes


def _dimensions(noms: Sequence[str], famille: Famille, citees: Iterable[str]) -> list[int]:
    """Lister les dimensions d'un fichier long que rien d'autre n'explique."""
    motifs = [*famille.attributs, *map(re.escape, citees)]
    motifs += [m for role in famille.roles.values() for m in role]
    return [r for r, nom in enumerate(noms) if not any(correspond(m, nom) for m in motifs)]


def _dimensions_citees(famille: Famille) -> list[str]:
    return list(dict.fromkeys(c for m in famille.mesures for c in m.quand))


def _mesures_libres(famille: Famille, brut: Brut) -> list[Mesure]:
    """Nommer une mesure par modalité, une seule dimension détaillée à la fois.

    Croiser deux dimensions donnerait des milliers d'indicateurs que personne ne lirait.
    """
    rangs = _dimensions(brut.noms, famille, ())
    modele = famille.mesures[0]
    mesures = []
    for valeurs in brut.cellules[rangs].drop_duplicates().itertuples(index=False, name=None):
        paires = dict(zip((brut.noms[r] for r in rangs), valeurs, strict=True))
        detail = {n: v for n, v in paires.items() if v != famille.total}
        if sum(not n.upper().endswith("MEASURE") for n in detail) <= 1:
            nom = modele.cle["indicateur"].format(modalites=ecrire("_".join(detail.values())))
            quand = {n: re.escape(v) for n, v in paires.items()}
            mesures.append(
                Mesure(modele.table, {"indicateur": nom}, nature=modele.nature, quand=quand)
            )
    return mesures


def _morceaux(
    brut: Brut, mesure: Mesure, reconnaissance: Reconnaissance, cibles: dict[Cible, int]
) -> list[pd.DataFrame]:
    """Rendre les observations d'une mesure : une table par colonne de valeur."""
    famille = reconnaissance.famille
    lignes, modalites, captures = _selection(brut, mesure)
    morceaux = []
    for rang, groupes in _valeurs(brut, mesure, famille):
        niveau = _niveau(famille, groupes.get("niv", ""), brut.noms)
        if niveau is None or lignes.empty:
            continue
        tous = [groupes | c for c in captures]
        vises = [cibles.setdefault(_cible(mesure, famille, g), len(cibles)) for g in tous]
        ages = [_age(g["age"]) if "age" in g else SANS_AGE for g in tous]
        morceau = _observer(lignes, brut, rang, groupes, niveau, reconnaissance)
        morceau["cible"] = pd.Series(vises).reindex(modalites).to_numpy()
        morceau["age"] = pd.Series(ages).reindex(modalites).to_numpy()
        morceaux.append(morceau.assign(secours=mesure.secours))
    return morceaux


def _valeurs(
    brut: Brut, mesure: Mesure, famille: Famille
) -> list[tuple[int | None, dict[str, str]]]:
    """Lister les colonnes de valeur ; None : chaque ligne compte pour un."""
    if mesure.colonne:
        return [(rang, groupes) for rang, groupes in colonnes_de_mesure(mesure, brut.noms)]
    return [(colonne_du_role(famille, "valeur", brut.noms), {})]


def _selection(brut: Brut, mesure: Mesure) -> tuple[pd.DataFrame, Any, list[dict[str, str]]]:
    """Choisir les lignes d'une mesure : lignes, rang de modalité de chacune, groupes capturés."""
    rangs = {c: premiere([re.escape(c)], brut.noms) for c in mesure.quand}
    presents = {c: r for c, r in rangs.items() if r is not None}
    if not presents:
        return brut.cellules, [0] * len(brut.cellules), [{}]
    dimensions = brut.cellules[list(presents.values())]
    retenues: dict[int, dict[str, str]] = {}
    # Les combinaisons viennent dans l'ordre où ngroup les numérote : celui de leur apparition.
    for numero, cles in enumerate(dimensions.drop_duplicates().itertuples(index=False, name=None)):
        captures = _captures(dict(zip(presents, cles, strict=True)), mesure.quand)
        if captures is not None:
            retenues[numero] = captures
    modalites = dimensions.groupby(list(dimensions), sort=False).ngroup()
    garde = modalites.isin(list(retenues))
    rang = {numero: place for place, numero in enumerate(retenues)}
    return brut.cellules[garde], modalites[garde].map(rang), list(retenues.values())


def _captures(cellules: Mapping[str, str], quand: Mapping[str, str]) -> dict[str, str] | None:
    groupes: dict[str, str] = {}
    for colonne, texte in cellules.items():
        motif = quand[colonne]
        accord = correspond(motif.removeprefix("!"), texte.strip())
        if bool(accord) is motif.startswith("!"):
            return None
        groupes |= accord.groupdict(default="") if accord else {}
    return groupes


def _niveau(famille: Famille, suffixe: str, noms: Sequence[str]) -> tuple[str, Niveau] | None:
    """Dire le niveau d'une valeur : par son suffixe, sinon le plus fin dont le code est là."""
    if not famille.niveaux:
        return COMMUNE, Niveau("", famille.roles["code"], famille.roles.get("nom", ()))
    for nom, niveau in famille.niveaux.items():
        situe = niveau.code_fixe or premiere(niveau.code, noms) is not None
        if situe and (not suffixe or correspond(niveau.suffixe, suffixe)):
            return nom, niveau
    return None


def _cible(mesure: Mesure, famille: Famille, groupes: Mapping[str, str]) -> Cible:
    """Remplir la clé d'une mesure avec ce que ses motifs ont capturé."""
    noms = {g: _nommer(famille.noms.get(g, {}), v) for g, v in groupes.items()}
    age = groupes.get("age") or groupes.get("tranche")
    if age:
        debut = _tranche(_age(age))
        fin = "" if debut == OUVERTE else str(debut + TRANCHE - 1)
        noms |= {"age_min": str(debut), "age_max": fin}
    cle = tuple((c, modele.format(**noms)) for c, modele in mesure.cle.items())
    return Cible(mesure.table, mesure.champ, cle, mesure.nature)


def _nommer(noms: Mapping[str, str], texte: str) -> str:
    connus = {cle.casefold(): nom for cle, nom in noms.items()}
    return connus.get(texte.casefold(), ecrire(texte))


def _age(texte: str) -> int:
    return int(re.sub(r"\D", "", texte))


def _tranche(age: int) -> int:
    return min(age - age % TRANCHE, OUVERTE)


def ecrire(texte: str) -> str:
    """Écrire un identifiant d'indicateur : minuscules ASCII, chiffres et soulignés."""
    return re.sub(r"[^a-z0-9]+", "_", cle_de_tri(texte)).strip("_") or "total"


def _observer(
    lignes: pd.DataFrame,
    brut: Brut,
    rang: int | None,
    groupes: Mapping[str, str],
    niveau: tuple[str, Niveau],
    reconnaissance: Reconnaissance,
) -> pd.DataFrame:
    famille, (nom_niveau, place) = reconnaissance.famille, niveau
    code, nom = premiere(place.code, brut.noms), premiere(place.nom, brut.noms)
    table = pd.DataFrame(index=lignes.index)
    table["niveau"] = nom_niveau
    table["code"] = place.code_fixe if code is None else lignes[code]
    table["nom"] = place.nom_fixe if nom is None else lignes[nom]
    table["annee"] = _annee(lignes, brut, groupes, reconnaissance)
    table["texte"] = "1" if rang is None else lignes[rang]
    table["tue"] = _tue(lignes, brut, famille)
    table["partie"] = _partie(lignes, brut, rang, famille)
    table["colonne"] = "" if rang is None else brut.noms[rang]
    table["ligne"] = 0 if brut.numeros is None else brut.numeros.reindex(lignes.index)
    return table


def _annee(
    lignes: pd.DataFrame, brut: Brut, groupes: Mapping[str, str], reconnaissance: Reconnaissance
) -> object:
    """Rendre l'année : celle de la colonne, sinon de la ligne, sinon du fichier."""
    if groupes.get("an"):
        return str(annee_courte(groupes["an"]))
    rang = colonne_du_role(reconnaissance.famille, "annee", brut.noms)
    return lignes[rang] if rang is not None else reconnaissance.millesime or ""


def _tue(lignes: pd.DataFrame, brut: Brut, famille: Famille) -> object:
    """Dire quelles lignes le producteur marque secrètes : NOTE, ou CONF_STATUS = C."""
    note = colonne_du_role(famille, "note", brut.noms)
    secret = colonne_du_role(famille, "secret", brut.noms)
    if note is not None:
        return ~lignes[note].str.strip().isin(["", "0"])
    return lignes[secret].str.strip().str.upper().eq("C") if secret is not None else False


def _partie(lignes: pd.DataFrame, brut: Brut, rang: int | None, famille: Famille) -> object:
    """Rendre ce qui distingue une observation des autres de sa case.

    Deux lignes de même commune, année et partie sont un doublon, non deux parts d'une somme.
    """
    if rang is None:
        return lignes.index.astype(str)
    exclus = {rang, *(colonne_du_role(famille, role, brut.noms) for role in famille.roles)}
    exclus |= {r for m in famille.mesures for r, _ in colonnes_de_mesure(m, brut.noms)}
    exclus |= {
        r for r, n in enumerate(brut.noms) if any(correspond(m, n) for m in famille.attributs)
    }
    cites = [premiere([re.escape(c)], brut.noms) for c in _dimensions_citees(famille)]
    if not famille.total and not any(r is not None for r in cites):
        return brut.noms[rang]
    dimensions = [r for r in lignes.columns if r not in exclus]
    if not famille.total:
        dimensions = [r for r in dimensions if not _est_nom(brut.noms[r])]
    textes = pd.Series(brut.noms[rang], index=lignes.index, dtype="object")
    for dimension in dimensions:
        textes = textes + "|" + lignes[dimension]
    return textes


def _est_nom(nom: str) -> bool:
    return nom.upper().startswith(("LIB", "NOM"))


def tranches_incompletes(ages: pd.Series) -> set[int]:
    """Lister les tranches dont un âge simple manque au fichier : leur somme serait fausse."""
    vus: dict[int, set[int]] = {}
    for age in ages[ages >= 0].unique():
        vus.setdefault(_tranche(int(age)), set()).add(int(age))
    attendus = {debut: AGES_OUVERTS if debut == OUVERTE else AGES_DE_TRANCHE for debut in vus}
    return {debut for debut, simples in vus.items() if len(simples) < attendus[debut]}
