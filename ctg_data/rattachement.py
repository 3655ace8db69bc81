"""Rattacher chaque ligne d'une table à sa commune actuelle, d'après son code et son nom."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import lru_cache

from ctg_data import codes, referentiel
from ctg_data.anomalies import Anomalie, abreger
from ctg_data.codes import Code
from ctg_data.lecture import Tableau
from ctg_data.schema import COLONNE_COMMUNE
from ctg_data.textes import INSECABLE, cle_de_tri, compte, enumeration

_NOMS = ("commune", "nom_commune")
_NOMS_DE_TOTAL = frozenset({"total", "ensemble", "sous-total", "total general", "somme", "moyenne"})


@dataclass
class Rattachees:
    """Porter des lignes rattachées : celles qui restent, leurs textes, et ce qu'il faut en dire."""

    tableau: Tableau
    textes: dict[str, list[str]]
    anomalies: list[Anomalie] = field(default_factory=list)


def rattacher(
    textes: dict[str, list[str]],
    tableau: Tableau,
    cle: Sequence[str],
    communes: Collection[str] | None,
    ignorer_les_autres: bool = False,
) -> Rattachees:
    """Normaliser les codes commune d'un tableau ; `communes` : celles du territoire, ou None.

    Les zéros perdus, les anciens codes sont réparés ; les arrondissements dont la ville est déjà
    là sont laissés de côté ; le reste est refusé, ligne par ligne, avec le code à écrire. `cle` :
    les colonnes qui distinguent deux lignes (la commune, souvent l'année). `ignorer_les_autres` :
    laisser de côté, en le disant, les autres communes de France, s'il en reste du territoire.
    """
    ecrits = textes[COLONNE_COMMUNE]
    nommees = any(nom in textes for nom in _NOMS)
    if communes is not None and not nommees and all(e in communes for e in ecrits):
        return Rattachees(tableau, textes)
    lus = {e: _lire(e, communes) for e in dict.fromkeys(ecrits)}
    unique = _niveau_unique(lus, tableau)
    if unique:
        return Rattachees(tableau.garder([]), {nom: [] for nom in textes}, [unique])
    codes_lus = [lus[e] for e in ecrits]
    communs = _situer(ecrits, codes_lus, textes, cle)
    sortie = Rattachees(tableau, {**textes})
    for rang, lu in enumerate(codes_lus):
        lu = _proposer(lu, rang, textes) if not lu.code else _verifier_nom(lu, rang, textes)
        _dire(lu, ecrits[rang], rang, communs[rang], sortie)
    sortie.anomalies += _completes(ecrits, lus, tableau)
    ailleurs = [communes is not None and bool(c.code) and c.code not in communes for c in codes_lus]
    if ignorer_les_autres and not all(ailleurs):
        sortie.anomalies += _autres_communes(codes_lus, ailleurs, tableau)
        communs = [commun or autre for commun, autre in zip(communs, ailleurs, strict=True)]
    elif communes is not None:
        sortie.anomalies += _hors_territoire(ecrits, lus, communes, tableau)
    sortie.textes[COLONNE_COMMUNE] = [lus[e].code or e for e in ecrits]
    return _sans(sortie, communs)


def _situer(
    ecrits: list[str], lus: list[Code], textes: dict[str, list[str]], cle: Sequence[str]
) -> list[bool]:
    """Dire quelles lignes, une fois leur code rendu actuel, en doublent une autre.

    Un arrondissement double sa ville ; une commune fusionnée double la commune nouvelle, ou une
    autre commune fusionnée avec elle, même si leurs valeurs sont égales.
    """
    autres = [textes[nom] for nom in cle if nom in textes and nom != COLONNE_COMMUNE]
    cles = [(lu.code, *(c[rang] for c in autres)) for rang, lu in enumerate(lus)]
    actuelles = {c for c, lu in zip(cles, lus, strict=True) if lu.sorte == "commune" and lu.code}
    origines: dict[tuple[str, ...], set[str]] = {}
    for c, ecrit, lu in zip(cles, ecrits, lus, strict=True):
        if lu.sorte == "ancien" and lu.code:
            origines.setdefault(c, set()).add(codes.completer(ecrit))
    return [
        (c in actuelles and (lu.sorte == "arrondissement" or lu.gravite == "avertissement"))
        or (lu.sorte == "ancien" and len(origines.get(c, ())) > 1)
        for c, lu in zip(cles, lus, strict=True)
    ]


def _proposer(lu: Code, rang: int, textes: dict[str, list[str]]) -> Code:
    """Proposer le code d'une ligne qui n'en a pas, quand le nom de la commune est là."""
    nom = next((textes[n][rang] for n in _NOMS if n in textes), "").strip()
    trouvees = _portees_par(nom) if nom and not textes[COLONNE_COMMUNE][rang].strip() else {}
    if not trouvees:
        return lu
    conseil = f"Écrivez le code Insee de {abreger(nom)}{INSECABLE}: {enumeration(list(trouvees))}."
    return Code("", "inconnu", "code commune absent", conseil, "erreur")


def _lire(ecrit: str, communes: Collection[str] | None) -> Code:
    """Lire un code ; celui du territoire n'a pas besoin du référentiel national."""
    if communes is not None:
        complet = codes.completer(ecrit)
        if complet in communes:
            regle = "" if complet == ecrit.strip() else f"{abreger(ecrit.strip())} → {complet}"
            return Code(complet, regle=regle)
    if not ecrit.strip():
        return Code("")  # La colonne est obligatoire : la conversion le dira.
    return codes.normaliser(ecrit)


def _niveau_unique(lus: dict[str, Code], tableau: Tableau) -> Anomalie | None:
    """Dire d'une seule phrase qu'une colonne entière porte un autre niveau que la commune."""
    sortes = {lu.sorte for lu in lus.values()}
    if sortes not in ({"departement"}, {"epci"}, {"iris"}):
        return None
    phrases = {
        "departement": "codes de département (2 caractères), il faut des communes (5)",
        "iris": "codes d'Iris (9 chiffres), il faut des communes (5)",
        "epci": "numéros SIREN d'EPCI, aucune colonne de code commune (Insee)",
    }
    conseil = "Déposez le tableau des communes : une ligne par commune, avec son code Insee."
    exemple = abreger(next(iter(lus)))
    ligne = tableau.numeros[0]
    regle = phrases[sortes.pop()]
    return Anomalie(tableau.fichier, regle, conseil, ligne, COLONNE_COMMUNE, exemple)


def _verifier_nom(lu: Code, rang: int, textes: dict[str, list[str]]) -> Code:
    """Refuser un code postal qui est aussi le code d'une autre commune : le nom le trahit."""
    nom = next((textes[n][rang] for n in _NOMS if n in textes), "").strip()
    if lu.sorte != "commune" or not lu.code or not nom:
        return lu
    attendu = codes.noms_des_communes().get(lu.code, nom)
    if attendu == nom or referentiel.cle_de_nom(attendu) == referentiel.cle_de_nom(nom):
        return lu
    portees = _portees_par(nom)
    homonymes = [c for c, postaux in portees.items() if lu.code in postaux]
    if homonymes:
        return codes.refus_postal(lu.code, homonymes)
    if portees:
        regle = f"le code {lu.code} est celui de {attendu}, pas de {abreger(nom)}"
        conseil = f"Vérifiez{INSECABLE}: {next(iter(portees))} est le code de {abreger(nom)}."
        return replace(lu, regle=regle, correction=conseil, gravite="avertissement", sorte="nom")
    return _nom_de_total(lu, nom, attendu)


def _nom_de_total(lu: Code, nom: str, attendu: str) -> Code:
    """Avertir d'un total écrit sur le code d'une commune ; un autre nom libre ne prouve rien."""
    if cle_de_tri(nom) not in _NOMS_DE_TOTAL:
        return lu
    regle = f"le code {lu.code} est celui de {attendu}, le nom écrit est {abreger(nom)}"
    conseil = "Retirez la ligne si c'est un total."
    return replace(lu, regle=regle, correction=conseil, gravite="avertissement", sorte="nom")


@lru_cache(maxsize=4096)
def _portees_par(nom: str) -> dict[str, list[str]]:
    """Rendre les codes postaux de chaque commune qui porte ce nom."""
    postaux = referentiel.communes()["codes_postaux"]
    trouvees = referentiel.codes_du_nom(nom)
    return {c: str(postaux.get(c, "")).split("|") for c in trouvees}


def _dire(lu: Code, ecrit: str, rang: int, commun: bool, sortie: Rattachees) -> None:
    """Ajouter ce qu'il faut dire d'un code, sauf un simple zéro rendu (compté à part)."""
    if not lu.regle or (lu.sorte == "commune" and lu.gravite == "information"):
        return
    regle, correction, gravite = lu.regle, lu.correction, lu.gravite
    if commun and lu.sorte == "arrondissement":
        regle, correction, gravite = (
            f"{regle}, déjà comptée{INSECABLE}: ignoré",
            "",
            "avertissement",
        )
    elif commun:
        regle, gravite = f"{regle}, qui a déjà une ligne", "erreur"
        correction = f"Additionnez les deux lignes sous le code {lu.code} ; recalculez les taux."
    tableau = sortie.tableau
    numero, trouve = tableau.numeros[rang], abreger(ecrit.strip())
    valeur = trouve if gravite == "erreur" else None
    fichier = tableau.fichier
    sortie.anomalies.append(
        Anomalie(fichier, regle, correction, numero, COLONNE_COMMUNE, valeur, gravite)
    )


def _completes(ecrits: list[str], lus: dict[str, Code], tableau: Tableau) -> list[Anomalie]:
    """Dire d'une phrase combien de codes ont été complétés."""
    changes = [
        rang
        for rang, e in enumerate(ecrits)
        if lus[e].sorte == "commune" and lus[e].regle and lus[e].gravite == "information"
    ]
    if not changes:
        return []
    premier = lus[ecrits[changes[0]]].regle
    regle = f"{compte(len(changes), 'code complété', 'codes complétés')} ({premier})"
    ligne = tableau.numeros[changes[0]]
    return [Anomalie(tableau.fichier, regle, "", ligne, COLONNE_COMMUNE, gravite="information")]


def _autres_communes(lus: list[Code], ailleurs: list[bool], tableau: Tableau) -> list[Anomalie]:
    """Dire d'une phrase les lignes d'autres communes de France, laissées de côté."""
    rangs = [rang for rang, autre in enumerate(ailleurs) if autre]
    if not rangs:
        return []
    noms = codes.noms_des_communes()
    exemples = list(
        dict.fromkeys(f"{lus[r].code} {noms.get(lus[r].code, '')}".strip() for r in rangs)
    )
    regle = compte(
        len(rangs),
        "ligne d'une autre commune, laissée de côté",
        "lignes d'autres communes, laissées de côté",
    )
    regle += f" ({enumeration(exemples, maximum=3)})"
    conseil = "Si l'une d'elles est du territoire, corrigez son code."
    ligne = tableau.numeros[rangs[0]]
    return [
        Anomalie(tableau.fichier, regle, conseil, ligne, COLONNE_COMMUNE, gravite="avertissement")
    ]


def _hors_territoire(
    ecrits: list[str], lus: dict[str, Code], communes: Collection[str], tableau: Tableau
) -> list[Anomalie]:
    fautes = []
    for rang, ecrit in enumerate(ecrits):
        code = lus[ecrit].code
        if not code or code in communes:
            continue
        proche = get_close_matches(code, list(communes), 1, cutoff=0.75)
        conseil = f"Vouliez-vous « {proche[0]} » ? " if proche else ""
        fautes.append(
            Anomalie(
                tableau.fichier,
                "commune inconnue du territoire",
                f"{conseil}Corrigez le code, ou ajoutez la commune à territoire.toml.",
                tableau.numeros[rang],
                COLONNE_COMMUNE,
                code,
            )
        )
    return fautes


def _sans(sortie: Rattachees, ecartees: list[bool]) -> Rattachees:
    if not any(ecartees):
        return sortie
    gardees = [rang for rang, ecartee in enumerate(ecartees) if not ecartee]
    textes = {nom: [colonne[i] for i in gardees] for nom, colonne in sortie.textes.items()}
    return Rattachees(sortie.tableau.garder(gardees), textes, sortie.anomalies)
