"""Confronter un tableau lu à son schéma : des valeurs typées, ou des anomalies qui réparent."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from difflib import get_close_matches

import pandas as pd

from ctg_data.anomalies import Anomalie, Gravite, abreger
from ctg_data.codes import CODE_COMMUNE, SANS_COMMUNE, completer
from ctg_data.conversion import convertir, numerique, phrase_secrets, remarques, vide
from ctg_data.doublons import sans_doublons
from ctg_data.lecture import Tableau
from ctg_data.lecture.noms import cle_de_nom, cle_sans_unite
from ctg_data.ligne_exemple import sans_exemple
from ctg_data.nombres import est_nombre, lire_nombre
from ctg_data.rattachement import rattacher
from ctg_data.schema import COLONNE_COMMUNE, Colonne, Schema, schemas
from ctg_data.textes import INSECABLE, compte, enumeration, nombre

__all__ = [
    "COLONNE_COMMUNE",
    "correspondances",
    "reconnaitre_table",
    "sans_secret",
    "table_approchante",
    "valider",
]

_TOTAL = re.compile(
    r"\W*(sous[- ]?total|total|ensemble|moyenne|somme|france|territoire|cumul)\b", re.IGNORECASE
)
_NOMS = ("commune", "nom_commune")
# Part d'écart admise entre un taux écrit et le rapport de ses colonnes : l'arrondi et un peu plus.
ECART_TOLERE = 0.05
_COUPURE = re.compile(r"\s*[\r\n]+\s*")


def valider(
    tableau: Tableau,
    schema: Schema,
    communes: Collection[str] | None = None,
    *,
    france: bool = False,
    ignorer_les_autres: bool = False,
) -> tuple[pd.DataFrame, list[Anomalie]]:
    """Typer un tableau selon son schéma et relever toutes ses fautes.

    `communes` : codes connus du territoire ; une autre commune est une erreur, ou est laissée de
    côté si `ignorer_les_autres` (un fichier plus large que le territoire). `france` : sans
    territoire, vérifier les codes contre toutes les communes de France. Rend une table (une
    colonne par colonne déclarée, vide quand elle est facultative et absente) et les anomalies,
    dans l'ordre des lignes. La table n'a de sens que si aucune n'est une erreur ;
    `attrs["valeurs_secretes"]` y compte les cellules masquées.
    """
    rangs = correspondances(tableau.entete, schema)
    tableau = _sans_pourcentages_permis(tableau, schema, rangs)
    anomalies = _colonnes(tableau, schema, rangs)
    if any(a.erreur for a in anomalies):
        return pd.DataFrame(), anomalies
    tableau, exemples = sans_exemple(tableau, schema, rangs)
    tableau, ecartees = _ecarter(tableau, schema, rangs)
    textes = {nom: [li[rang] for li in tableau.lignes] for nom, rang in rangs.items()}
    anomalies += exemples + ecartees + _recoller(textes, tableau)
    if COLONNE_COMMUNE in textes and (communes is not None or france):
        rattachees = rattacher(textes, tableau, schema.cle, communes, ignorer_les_autres)
        tableau, textes = rattachees.tableau, rattachees.textes
        anomalies += rattachees.anomalies
    table, fautes = _convertir(textes, schema, tableau, rangs)
    dites = {a.ligne for a in anomalies if a.erreur and a.colonne == COLONNE_COMMUNE}
    anomalies += [a for a in fautes if a.colonne != COLONNE_COMMUNE or a.ligne not in dites]
    anomalies += _rapports(table, schema, tableau) + _defauts(tableau, schema, rangs)
    table, doublons = sans_doublons(table, schema, tableau)
    anomalies += doublons
    if not tableau.lignes and not any(a.erreur for a in anomalies):
        conseil = "Ajoutez au moins une ligne."
        anomalies.append(Anomalie(tableau.fichier, "aucune ligne de données", conseil))
    return table, sorted(anomalies, key=lambda a: a.ligne or 0)


def sans_secret(anomalies: Iterable[Anomalie], audience: str) -> list[Anomalie]:
    """Ôter des fautes les valeurs trouvées que cette audience n'a pas à voir.

    Une colonne de personnes ou de données fiscales peut contenir un petit effectif mal écrit.
    """
    if audience == "interne":
        return list(anomalies)
    secretes = {
        (f"{schema.nom}.csv", colonne.nom)
        for schema in schemas().values()
        for colonne in schema.colonnes
        if colonne.confidentialite != "publique"
    }
    return [replace(a, valeur=None) if (a.fichier, a.colonne) in secretes else a for a in anomalies]


# --- Les colonnes -------------------------------------------------------------------------------


def correspondances(entete: Sequence[str], schema: Schema) -> dict[str, int]:
    """Rendre le rang de chaque colonne déclarée trouvée dans un en-tête.

    Le nom exact l'emporte sur la casse et les accents, qui l'emportent sur les synonymes.
    """
    exacts = {nom: rang for rang, nom in reversed(list(enumerate(entete)))}
    cles = {cle_de_nom(nom): rang for rang, nom in reversed(list(enumerate(entete)))}
    trouvees: dict[str, int] = {}
    for colonne in schema.colonnes:
        rang = exacts.get(colonne.nom, cles.get(cle_de_nom(colonne.nom)))
        if rang is not None:
            trouvees[colonne.nom] = rang
    for colonne in schema.colonnes:
        libres = (
            cles[c]
            for c in map(cle_de_nom, colonne.synonymes)
            if c in cles and cles[c] not in trouvees.values()
        )
        rang = next(libres, None) if colonne.nom not in trouvees else None
        if rang is not None:
            trouvees[colonne.nom] = rang
    return trouvees | _avec_unite(entete, schema, trouvees)


def _avec_unite(entete: Sequence[str], schema: Schema, trouvees: dict[str, int]) -> dict[str, int]:
    """Rendre les colonnes qu'une unité entre parenthèses cachait : « Places (nb) »."""
    nues = {
        cle_sans_unite(nom): rang
        for rang, nom in reversed(list(enumerate(entete)))
        if nom.rstrip().endswith(")") and rang not in trouvees.values()
    }
    autres = {}
    for colonne in schema.colonnes if nues else ():
        cles = map(cle_de_nom, (colonne.nom, *colonne.synonymes))
        rang = next((nues.pop(c) for c in cles if c in nues), None)
        if rang is not None and colonne.nom not in trouvees:
            autres[colonne.nom] = rang
    return autres


def reconnaitre_table(entete: Sequence[str]) -> Schema | None:
    """Rendre la table déclarée dont cet en-tête porte toutes les colonnes exigées.

    De plusieurs, celle qui explique le plus de colonnes.
    """
    candidats = [
        (len(rangs), schema)
        for schema in schemas().values()
        if (rangs := correspondances(entete, schema)) and _complete(schema, rangs)
    ]
    return max(candidats, key=lambda c: c[0])[1] if candidats else None


def table_approchante(entete: Sequence[str]) -> Schema | None:
    """Rendre la table déclarée la plus proche d'un en-tête incomplet ; None si rien n'y ressemble.

    Deux colonnes au moins doivent être connues, dont une qui lui est propre.
    """
    notes = []
    for schema in schemas().values():
        rangs = correspondances(entete, schema)
        if len(rangs) > 1:
            notes.append((len(rangs) / len(entete), len(rangs) / len(schema.colonnes), schema))
    return max(notes, key=lambda n: n[:2])[2] if notes else None


def _complete(schema: Schema, rangs: dict[str, int]) -> bool:
    exigees = all(nom in rangs for nom in schema.obligatoires)
    return exigees and (not schema.mesures or any(m in rangs for m in schema.mesures))


def _colonnes(tableau: Tableau, schema: Schema, rangs: dict[str, int]) -> list[Anomalie]:
    pris = set(rangs.values())
    libres = [nom for rang, nom in enumerate(tableau.entete) if rang not in pris]
    fautes = [
        _colonne_absente(schema.colonne(nom), libres, tableau)
        for nom in schema.obligatoires
        if nom not in rangs
    ]
    fautes += _mesures_absentes(tableau, schema, rangs)
    ligne, declarees = tableau.ligne_entete, ", ".join(c.nom for c in schema.colonnes)
    for nom, rang in rangs.items():
        if tableau.entete[rang] != nom:
            regle, ecrit = f"lue comme «{INSECABLE}{nom}{INSECABLE}»", abreger(tableau.entete[rang])
            fautes.append(_information(tableau, regle, "", ligne, ecrit))
    for rang, nom in enumerate(tableau.entete):
        if rang in pris:
            continue
        visee = _visee(nom, schema, rangs)
        if visee is not None and (double := _double(tableau, visee, rangs[visee.nom], rang)):
            fautes.append(double)
            continue
        regle, conseil = "colonne non déclarée, ignorée", f"Colonnes connues : {declarees}."
        note = _information(tableau, regle, conseil, ligne, abreger(nom))
        nombres = _que_des_nombres(tableau, rang)
        fautes.append(replace(note, gravite="avertissement") if nombres else note)
    return fautes


def _que_des_nombres(tableau: Tableau, rang: int) -> bool:
    """Dire si une colonne est remplie de nombres : l'ignorer peut perdre une mesure."""
    pleines = {li[rang].strip() for li in tableau.lignes} - {""}
    return bool(pleines) and all(map(est_nombre, pleines))


def _visee(nom: str, schema: Schema, rangs: dict[str, int]) -> Colonne | None:
    """Rendre la colonne déjà trouvée qu'un nom en trop désigne aussi ; None s'il n'y en a pas."""
    cles = {cle_de_nom(nom), cle_sans_unite(nom)}
    return next(
        (
            c
            for c in schema.colonnes
            if c.nom in rangs and cles & {cle_de_nom(n) for n in (c.nom, *c.synonymes)}
        ),
        None,
    )


def _double(tableau: Tableau, visee: Colonne, garde: int, rang: int) -> Anomalie | None:
    """Refuser deux colonnes du même sens qui diffèrent ; avertir si la seconde n'ajoute rien.

    Un nom n'est pas une mesure : sa seconde colonne est seulement dite. Une colonne qui n'a aucun
    code commune n'en est pas une de codes.
    """
    code = visee.nom == COLONNE_COMMUNE
    paires = [(_valeur(li[garde], visee), _valeur(li[rang], visee)) for li in tableau.lignes]
    if code and not any(CODE_COMMUNE.fullmatch(str(autre)) for _, autre in paires):
        return None
    ecarts = [
        numero
        for (retenue, autre), numero in zip(paires, tableau.numeros, strict=True)
        if autre not in (retenue, "")
    ]
    nom, autre = abreger(tableau.entete[garde]), abreger(tableau.entete[rang])
    regle = f"même sens que «{INSECABLE}{nom}{INSECABLE}»"
    if not ecarts:
        regle, conseil = f"{regle}, mêmes valeurs, ignorée", ""
    else:
        regle += f", autres valeurs (la première en ligne{INSECABLE}{ecarts[0]})"
        conseil = "Gardez une seule des deux colonnes."
    refusee = ecarts and (code or visee.type != "string")
    gravite: Gravite = "erreur" if refusee else "avertissement"
    return Anomalie(tableau.fichier, regle, conseil, tableau.ligne_entete, autre, gravite=gravite)


def _valeur(texte: str, colonne: Colonne) -> object:
    """Lire une cellule pour la comparer : son code, son nombre, sinon son texte."""
    if colonne.nom == COLONNE_COMMUNE:
        return completer(texte)
    try:
        return lire_nombre(texte).valeur if numerique(colonne) else texte.strip()
    except ValueError:
        return texte.strip()


def _colonne_absente(colonne: Colonne, libres: list[str], tableau: Tableau) -> Anomalie:
    proche = get_close_matches(colonne.nom, libres, 1)
    exemple = f"Ajoutez une colonne « {colonne.nom} » (exemple : {colonne.exemple})."
    conseil = f"Renommez « {proche[0]} » en « {colonne.nom} »." if proche else exemple
    regle = "colonne absente"
    if colonne.nom == COLONNE_COMMUNE:
        regle = "colonne absente, aucune colonne de code commune (Insee)"
    return Anomalie(tableau.fichier, regle, conseil, tableau.ligne_entete, colonne.nom)


def _mesures_absentes(tableau: Tableau, schema: Schema, rangs: dict[str, int]) -> list[Anomalie]:
    if not schema.mesures or any(m in rangs for m in schema.mesures):
        return []
    attendues = enumeration([f"« {m} »" for m in schema.mesures])
    regle, conseil = (
        "aucune colonne de mesure",
        f"Ajoutez une au moins de ces colonnes{INSECABLE}: ",
    )
    return [Anomalie(tableau.fichier, regle, f"{conseil}{attendues}.", tableau.ligne_entete)]


def _information(
    tableau: Tableau, regle: str, conseil: str, ligne: int | None = None, colonne: str | None = None
) -> Anomalie:
    return Anomalie(tableau.fichier, regle, conseil, ligne, colonne, gravite="information")


# --- Les lignes ---------------------------------------------------------------------------------


def _ecarter(
    tableau: Tableau, schema: Schema, rangs: dict[str, int]
) -> tuple[Tableau, list[Anomalie]]:
    """Laisser les totaux, les notes et les marques « sans commune », en disant leurs lignes."""
    cle = rangs[schema.cle[0]]
    motifs = [_motif(li, cle, schema.cle[0]) for li in tableau.lignes]
    if not any(motifs):
        return tableau, []
    gardees = [i for i, motif in enumerate(motifs) if not motif]
    notes = [
        _information(tableau, motif, "", numero)
        for motif, numero in zip(motifs, tableau.numeros, strict=True)
        if motif
    ]
    return tableau.garder(gardees), notes


def _motif(ligne: tuple[str, ...], cle: int, nom_cle: str) -> str:
    """Dire pourquoi une ligne n'est pas une donnée ; vide si elle en est une."""
    code = ligne[cle].strip()
    if len(code) == 5 and code.isdigit() and code != "99999" and code != "00000":
        return ""
    if nom_cle == COLONNE_COMMUNE and code and len(code) < 6:
        complet = completer(code)
        if complet in SANS_COMMUNE:
            return f"«{INSECABLE}{complet}{INSECABLE}» n'est pas une commune, ignorée"
        if complet[:1].isdigit():
            return ""
    elif code and nom_cle != COLONNE_COMMUNE:
        return ""
    pleines = [c.strip() for c in ligne if c.strip()]
    if not pleines:
        return "ligne vide, ignorée"
    if _TOTAL.match(pleines[0]) and (not code or not code[:1].isdigit()):
        return f"total («{INSECABLE}{abreger(pleines[0])}{INSECABLE}») ignoré"
    if len(pleines) == 1 and nom_cle == COLONNE_COMMUNE and not pleines[0][:1].isdigit():
        return f"note («{INSECABLE}{abreger(pleines[0], 30)}{INSECABLE}») ignorée"
    return ""


def _recoller(textes: dict[str, list[str]], tableau: Tableau) -> list[Anomalie]:
    """Ôter les sauts de ligne des noms de communes : un nom coupé ne se retrouve plus."""
    anomalies = []
    for nom in _NOMS:
        for rang, texte in enumerate(textes.get(nom, ())):
            if "\n" in texte or "\r" in texte:
                textes[nom][rang] = _COUPURE.sub(" ", texte).replace("- ", "-").strip()
                numero, regle = tableau.numeros[rang], "saut de ligne ôté du nom"
                anomalies.append(_information(tableau, regle, "", numero, nom))
    return anomalies


# --- Les valeurs --------------------------------------------------------------------------------


def _convertir(
    textes: dict[str, list[str]], schema: Schema, tableau: Tableau, rangs: dict[str, int]
) -> tuple[pd.DataFrame, list[Anomalie]]:
    colonnes, anomalies, secretes, cellules = {}, [], {}, 0
    for colonne in schema.colonnes:
        if colonne.nom not in textes:
            colonnes[colonne.nom] = vide(colonne, len(tableau.lignes))
            continue
        lue = convertir(textes[colonne.nom], colonne, schema.manquantes, classeur=tableau.classeur)
        colonnes[colonne.nom] = lue.valeurs
        secretes.update(lue.secrets)
        cellules += len(lue.secrets)
        anomalies += [
            Anomalie(
                tableau.fichier, regle, conseil, tableau.numeros[rang], colonne.nom, abreger(trouve)
            )
            for rang, regle, conseil, trouve in lue.fautes
            if (rang, rangs[colonne.nom]) not in tableau.defauts
        ]
        anomalies += [
            Anomalie(
                tableau.fichier,
                phrase,
                "",
                colonne=colonne.nom,
                gravite="avertissement" if a_verifier else "information",
            )
            for phrase, a_verifier in remarques(lue)
        ]
        anomalies += _alertes(lue.valeurs, colonne, tableau)
    if secretes:
        anomalies.append(_information(tableau, phrase_secrets(secretes), ""))
    table = pd.DataFrame(colonnes)
    table.attrs["valeurs_secretes"] = cellules
    return table, anomalies


def _alertes(valeurs: pd.Series, colonne: Colonne, tableau: Tableau) -> list[Anomalie]:
    if colonne.alerte is None:
        return []
    return [
        Anomalie(
            tableau.fichier,
            f"{colonne.titre.lower()} {nombre(valeurs[rang], 1)}, supérieur à "
            f"{nombre(colonne.alerte)}, à vérifier",
            "Gardez la valeur si elle est juste.",
            tableau.numeros[rang],
            colonne.nom,
            gravite="avertissement",
        )
        for rang in valeurs.index[valeurs > colonne.alerte]
    ]


def _rapports(table: pd.DataFrame, schema: Schema, tableau: Tableau) -> list[Anomalie]:
    """Dire les taux qui ne sont pas le rapport de leurs colonnes : unité ou faute de frappe."""
    anomalies = []
    for nom, (haut, bas, fois) in schema.rapports.items():
        attendu = fois * table[haut] / table[bas].where(table[bas] > 0)
        anomalies += _proportions(table[nom], attendu, nom, tableau)
        anomalies += _effectifs_etonnants(table, schema.colonne(nom), attendu, (haut, bas), tableau)
        ecart = (table[nom] - attendu).abs()
        for rang in table.index[ecart > ECART_TOLERE * attendu.clip(lower=fois * ECART_TOLERE)]:
            regle = (
                f"{nombre(table[nom][rang], 1)} au lieu de {nombre(attendu[rang], 1)}, rapport de "
                f"«{INSECABLE}{haut}{INSECABLE}» à «{INSECABLE}{bas}{INSECABLE}», à vérifier"
            )
            conseil, numero = "Corrigez l'une des trois valeurs.", tableau.numeros[rang]
            anomalies.append(
                Anomalie(tableau.fichier, regle, conseil, numero, nom, gravite="avertissement")
            )
    return anomalies


def _proportions(taux: pd.Series, attendu: pd.Series, nom: str, tableau: Tableau) -> list[Anomalie]:
    """Avertir des taux pour 100 qui ont l'air de proportions (0,571), si rien ne les confirme."""
    petits = taux.index[(taux > 0) & (taux <= 1) & attendu.isna()]
    if not len(petits):
        return []
    valeur, numero = taux[petits[0]], tableau.numeros[petits[0]]
    regle = (
        f"proportion plutôt qu'un taux pour cent{INSECABLE}? {nombre(valeur, 3)} → "
        f"{nombre(100 * valeur, 1)} ({compte(len(petits), 'valeur')} d'au plus 1)"
    )
    conseil = "Si c'est une proportion, multipliez la colonne par 100."
    return [Anomalie(tableau.fichier, regle, conseil, numero, nom, gravite="avertissement")]


def _effectifs_etonnants(
    table: pd.DataFrame,
    taux: Colonne,
    attendu: pd.Series,
    effectifs: tuple[str, str],
    tableau: Tableau,
) -> list[Anomalie]:
    """Avertir des effectifs dont le rapport étonne, là où aucun taux écrit ne le fait voir."""
    if taux.alerte is None:
        return []
    haut, bas = effectifs
    sans_taux = table[taux.nom].isna()
    etonnants = sans_taux & ((attendu > taux.alerte) | ((table[bas] == 0) & (table[haut] > 0)))
    return [
        Anomalie(
            tableau.fichier,
            f"{nombre(table[haut][rang])} pour {nombre(table[bas][rang])} "
            f"(«{INSECABLE}{haut}{INSECABLE}» et «{INSECABLE}{bas}{INSECABLE}»), à vérifier",
            "Gardez les valeurs si elles sont justes.",
            tableau.numeros[rang],
            haut,
            gravite="avertissement",
        )
        for rang in table.index[etonnants]
    ]


def _sans_pourcentages_permis(tableau: Tableau, schema: Schema, rangs: dict[str, int]) -> Tableau:
    """Ne garder, des cellules affichées en pourcentage, que celles d'une colonne d'effectifs."""
    if not tableau.defauts:
        return tableau
    from ctg_data.lecture.classeur import POURCENTAGE

    entiers = {rang for nom, rang in rangs.items() if schema.colonne(nom).type == "integer"}
    gardes = {
        place: regle
        for place, regle in tableau.defauts.items()
        if regle != POURCENTAGE or place[1] in entiers
    }
    return replace(tableau, defauts=gardes)


def _defauts(tableau: Tableau, schema: Schema, rangs: dict[str, int]) -> list[Anomalie]:
    """Dire les cellules d'un classeur sans valeur sûre : formule, erreur Excel, fusion."""
    if not tableau.defauts:
        return []
    from ctg_data.lecture.classeur import FORMULE_TEXTE, lettres_colonne

    noms = {rang: nom for nom, rang in rangs.items()}
    anomalies = []
    for (ligne, rang), regle in sorted(tableau.defauts.items()):
        nom = noms.get(rang)
        numero = tableau.numeros[ligne]
        texte = nom is not None and schema.colonne(nom).type == "string"
        if texte and regle.startswith("formule"):
            regle = FORMULE_TEXTE
        anomalies.append(
            Anomalie(
                tableau.fichier,
                f"cellule {lettres_colonne(rang)}{numero}{INSECABLE}: {regle}",
                _REPARER[regle.split()[0]],
                numero,
                nom or abreger(tableau.entete[rang]),
                gravite="erreur" if nom else "avertissement",
            )
        )
    return anomalies


_REPARER = {
    "formule": "Ouvrez et enregistrez le fichier dans Excel, ou écrivez la valeur à la place.",
    "erreur": "Corrigez la formule dans Excel, ou videz la cellule si la valeur manque.",
    "pourcentage": "Écrivez le nombre lui-même, sans format de pourcentage.",
    "cellules": "Défusionnez-les et écrivez la valeur de chaque ligne.",
}
