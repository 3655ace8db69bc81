"""Trouver l'en-tête d'un tableau parmi ses rangées, et vérifier que les lignes s'y tiennent."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from ctg_data.anomalies import Anomalie, abreger
from ctg_data.lecture.modele import COLONNES_MAX, Rangees, Tableau
from ctg_data.lecture.noms import connus
from ctg_data.textes import INSECABLE, compte, nombre

# Un en-tête se cherche sous les titres : les fichiers de l'Insee en ont dix lignes au plus.
RANGEES_DE_TITRE = 40
_NOMBRE = re.compile(r"[-+−]?\d[\d \u00a0\u202f]*([.,]\d+)?\s*%?")
_BLANCS = re.compile(r"\s+")
_NOTE = re.compile(
    r"^\W*(source|note|champ|lecture|total|ensemble|sous-total|moyenne|nb|remarque|attention|"
    r"legende|légende|avertissement|mise à jour|maj|donnees|données|copyright|licence)\b|"
    r"^(n\.?\s?[dscr]|s)\.?\s*[:=]|^[*(©#]",
    re.IGNORECASE,
)
_TOTAL_COURT = re.compile(
    r"\W*(sous[- ]?total|total|ensemble|moyenne|somme|cumul)\b", re.IGNORECASE
)


def tabuler(rangees: Rangees) -> tuple[Tableau | None, list[Anomalie]]:
    """Rendre le tableau d'une suite de rangées (None s'il n'est pas sûr) et ce qu'il faut en dire.

    Les rangées d'avant l'en-tête, les colonnes vides et les notes sans colonne sont laissées, en
    le disant ; une ligne qui n'a pas le bon nombre de cellules, un nom de colonne vide ou en
    double refusent le tableau.
    """
    fichier = rangees.fichier
    if not rangees.lignes:
        quoi = "le classeur est vide" if rangees.classeur else "le fichier est vide"
        conseil = "Écrivez l'en-tête et au moins une ligne."
        return None, [Anomalie(fichier, quoi, conseil)]
    rang = _rang_entete(rangees.lignes)
    fautes = _fautes_de_forme(rangees, rang)
    if fautes:
        return None, fautes
    anomalies = _note_titres(rangees, rang)
    corps, notes = _corps(rangees, rang)
    anomalies += notes + _note_vides(rangees, rang)
    tableau, suite = _ajuster(rangees, rang, corps)
    anomalies += suite
    if not tableau.lignes and not any(a.erreur for a in anomalies):
        conseil = "Ajoutez au moins une ligne sous l'en-tête."
        anomalies.append(Anomalie(fichier, "aucune ligne de données", conseil))
    return (None if any(a.erreur for a in anomalies) else tableau), anomalies


def _rang_entete(lignes: Sequence[tuple[str, ...]]) -> int:
    """Choisir la rangée qui porte le plus de noms connus, sinon la première assez remplie."""
    debut = lignes[:RANGEES_DE_TITRE]
    comptes = [connus(li) for li in debut]
    if max(comptes) > 1:
        return comptes.index(max(comptes))
    remplies = [sum(bool(c.strip()) for c in li) for li in lignes[: RANGEES_DE_TITRE * 5]]
    courante = Counter(n for n in remplies if n).most_common(1)[0][0]
    seuil = max(1, min(2, courante), (courante + 1) // 2)
    return next(rang for rang, n in enumerate(remplies) if n >= seuil)


def _fautes_de_forme(rangees: Rangees, rang: int) -> list[Anomalie]:
    entete, fichier, numero = rangees.lignes[rang], rangees.fichier, rangees.numeros[rang]
    if len(entete) > COLONNES_MAX:
        regle = f"{nombre(len(entete))} colonnes (limite {nombre(COLONNES_MAX)})"
        return [Anomalie(fichier, regle, "Ne gardez que les colonnes utiles.", numero)]
    if max(sum(bool(c.strip()) for c in li) for li in rangees.lignes) < 2:
        return [_une_colonne(rangees, numero)]
    if _sans_nom_de_colonne(rangees.lignes, rang):
        regle = f"aucun nom de colonne reconnu en ligne{INSECABLE}{numero}"
        conseil = "Ajoutez une première ligne qui nomme chaque colonne."
        trouve = abreger(" ; ".join(entete))
        return [Anomalie(fichier, regle, conseil, numero, valeur=trouve)]
    return []


def _une_colonne(rangees: Rangees, numero: int) -> Anomalie:
    regle = f"une seule colonne trouvée{INSECABLE}: séparateur inattendu{INSECABLE}?"
    conseil = (
        "Séparez les colonnes par des points-virgules : enregistrez en « CSV UTF-8 (délimité par "
        "des points-virgules) »."
    )
    trouve = abreger("".join(rangees.lignes[0]).strip())
    return Anomalie(rangees.fichier, regle, conseil, numero, valeur=trouve)


def _sans_nom_de_colonne(lignes: Sequence[tuple[str, ...]], rang: int) -> bool:
    """Dire si la première rangée est déjà une donnée : un nombre, et rien qui la distingue."""
    entete = lignes[rang]
    if connus(entete) > 1 or not any(_NOMBRE.fullmatch(c.strip()) for c in entete):
        return False
    suite = lignes[rang + 1 : rang + 20]
    for colonne, nom in enumerate(entete):
        valeurs = [li[colonne].strip() for li in suite if len(li) > colonne and li[colonne].strip()]
        chiffres = valeurs and all(_NOMBRE.fullmatch(v) for v in valeurs)
        if chiffres and nom.strip() and not _NOMBRE.fullmatch(nom.strip()):
            return False
    return True


def _note_titres(rangees: Rangees, rang: int) -> list[Anomalie]:
    numero = rangees.numeros[rang]
    if numero == 1:
        return []
    regle = f"en-tête trouvé en ligne{INSECABLE}{numero}"
    if rang:
        avant = compte(rang, "ligne écrite", "lignes écrites")
        regle += (
            f"{INSECABLE}; {avant} au-dessus, ignorées"
            if rang > 1
            else (f"{INSECABLE}; ligne{INSECABLE}{rangees.numeros[0]} ignorée")
        )
    return [Anomalie(rangees.fichier, regle, "", gravite="information")]


def _note_vides(rangees: Rangees, rang: int) -> list[Anomalie]:
    """Dire les lignes vides laissées entre les données ; celles de la fin vont de soi."""
    suite = rangees.numeros[rang:]
    vides = suite[-1] - suite[0] + 1 - len(suite)
    if not vides:
        return []
    regle = compte(vides, "ligne vide ignorée", "lignes vides ignorées")
    return [Anomalie(rangees.fichier, regle, "", gravite="information")]


def _corps(rangees: Rangees, rang: int) -> tuple[list[int], list[Anomalie]]:
    """Rendre les rangs des lignes de données : ni notes sans colonne, ni en-tête répété."""
    largeur = len(rangees.lignes[rang])
    notes, repetes, totaux, corps = [], [], [], []
    fin = _debut_des_notes(rangees, rang, largeur)
    entete = tuple(c.strip() for c in rangees.lignes[rang])
    for i in range(rang + 1, len(rangees.lignes)):
        ligne = rangees.lignes[i]
        courte = len(ligne) < largeur and not rangees.classeur
        if courte and (i >= fin or _est_note(ligne)):
            notes.append(rangees.numeros[i])
        elif ligne[0].strip() == entete[0] and tuple(c.strip() for c in ligne) == entete:
            repetes.append(rangees.numeros[i])
        elif courte and _est_total(ligne):
            totaux.append(rangees.numeros[i])
        else:
            corps.append(i)
    anomalies = []
    for numeros, quoi in (
        (notes, "note, ignorée"),
        (repetes, "en-tête répété, ignoré"),
        (totaux, "total, ignoré"),
    ):
        anomalies += [
            Anomalie(rangees.fichier, quoi, "", numero, gravite="information") for numero in numeros
        ]
    return corps, anomalies


def _est_note(ligne: tuple[str, ...]) -> bool:
    pleines = [c.strip() for c in ligne if c.strip()]
    return len(pleines) == 1 and bool(_NOTE.search(pleines[0]))


def _debut_des_notes(rangees: Rangees, rang: int, largeur: int) -> int:
    """Rendre le rang des phrases qui ferment un fichier texte, après une ligne vide ou une note.

    Une ligne coupée n'en est pas : elle suit les données sans rien qui l'en sépare.
    """
    fin = len(rangees.lignes)
    if rangees.classeur:
        return fin
    while (
        fin > rang + 1
        and len(rangees.lignes[fin - 1]) < largeur
        and _est_phrase(rangees.lignes[fin - 1])
    ):
        fin -= 1
    while fin < len(rangees.lignes):
        separee = rangees.numeros[fin] - rangees.numeros[fin - 1] > 1
        if separee or _est_note(rangees.lignes[fin]):
            break
        fin += 1
    return fin


def _est_phrase(ligne: tuple[str, ...]) -> bool:
    pleines = [c.strip() for c in ligne if c.strip()]
    return len(pleines) == 1 and not pleines[0][:1].isdigit()


def _est_total(ligne: tuple[str, ...]) -> bool:
    """Reconnaître un total écrit sans toutes ses cellules : un mot de total, puis des nombres."""
    pleines = [c.strip() for c in ligne if c.strip()]
    return bool(_TOTAL_COURT.match(pleines[0])) and all(map(_NOMBRE.fullmatch, pleines[1:]))


def _ajuster(rangees: Rangees, rang: int, corps: list[int]) -> tuple[Tableau, list[Anomalie]]:
    """Tailler les lignes à la largeur de l'en-tête, ôter les colonnes vides, nommer les fautes."""
    fichier, numero = rangees.fichier, rangees.numeros[rang]
    numeros = tuple(rangees.numeros[i] for i in corps)
    brutes = [rangees.lignes[i] for i in corps]
    if rangees.classeur:
        taille = _tailler_feuille(rangees.lignes[rang], brutes, numeros, fichier)
    else:
        taille = _tailler_texte(rangees.lignes[rang], brutes, numeros, rangees)
    brut, lignes, fautes = taille
    entete, anomalies = _noms(brut, fichier, numero)
    tableau = Tableau(
        fichier,
        entete,
        tuple(lignes),
        numeros,
        numero,
        rangees.feuille,
        rangees.classeur,
        _defauts(rangees, corps, len(entete)),
    )
    anomalies += fautes
    if any(a.erreur for a in fautes):
        return tableau, anomalies
    tableau, vides = _sans_colonnes_vides(tableau)
    return tableau, anomalies + vides + _fautes_de_noms(tableau)


def _defauts(rangees: Rangees, corps: list[int], largeur: int) -> dict[tuple[int, int], str]:
    if not rangees.defauts:
        return {}
    rangs = {rangees.numeros[i]: rang for rang, i in enumerate(corps)}
    return {(rangs[n], c): r for (n, c), r in rangees.defauts.items() if n in rangs and c < largeur}


def _noms(
    brut: tuple[str, ...], fichier: str, numero: int
) -> tuple[tuple[str, ...], list[Anomalie]]:
    entete = tuple(_BLANCS.sub(" ", c).strip() for c in brut)
    coupes = [n for n, c in zip(entete, brut, strict=True) if re.search(r"[\r\n]", c.strip())]
    return entete, [
        Anomalie(
            fichier, "saut de ligne ôté d'un nom de colonne", "", numero, nom, gravite="information"
        )
        for nom in coupes
    ]


Taille = tuple[tuple[str, ...], list[tuple[str, ...]], list[Anomalie]]


def _tailler_texte(
    entete: tuple[str, ...],
    lignes: list[tuple[str, ...]],
    numeros: Sequence[int],
    rangees: Rangees,
) -> Taille:
    """Exiger le même nombre de cellules partout ; seules des cellules vides de trop sont ôtées."""
    attendu = len(entete)
    tailles = [
        li[:attendu] if len(li) > attendu and not any(c.strip() for c in li[attendu:]) else li
        for li in lignes
    ]
    fautes = [
        _largeur(ligne, attendu, numero, rangees)
        for ligne, numero in zip(tailles, numeros, strict=True)
        if len(ligne) != attendu
    ]
    coupees = sum(len(a) != len(b) for a, b in zip(lignes, tailles, strict=True))
    if coupees and not fautes:
        regle = f"séparateur de trop en fin de {compte(coupees, 'ligne')}, ôté"
        fautes = [Anomalie(rangees.fichier, regle, "", gravite="information")]
    return entete, tailles, fautes


def _largeur(ligne: tuple[str, ...], attendu: int, numero: int, rangees: Rangees) -> Anomalie:
    conseil = (
        f"Séparez les cellules par «{INSECABLE};{INSECABLE}» et protégez par des guillemets "
        "celles qui en contiennent."
    )
    separateur = rangees.separateur
    soupcon = _soupcon(ligne, attendu) if separateur == "," else ""
    regle = f"{compte(len(ligne), 'colonne')} au lieu de {attendu}{soupcon}"
    trouve = abreger(separateur.join(ligne))
    return Anomalie(rangees.fichier, regle, conseil, numero, valeur=trouve)


def _soupcon(ligne: tuple[str, ...], attendu: int) -> str:
    """Reconnaître une décimale coupée par un séparateur virgule : « 57,1 » sans guillemets."""
    coupee = any(
        a.strip().isdigit() and b.strip().isdigit() and len(b.strip()) < 3
        for a, b in pairwise(ligne[1:])
    )
    if len(ligne) <= attendu or not coupee:
        return ""
    return f" (virgule décimale sans guillemets{INSECABLE}?)"


def _tailler_feuille(
    entete: tuple[str, ...],
    lignes: list[tuple[str, ...]],
    numeros: Sequence[int],
    fichier: str,
) -> Taille:
    """Ranger une feuille sous son en-tête ; les remarques écrites à côté du tableau sont dites.

    Une colonne sans nom mais remplie le plus souvent est une vraie colonne : elle reste, et sera
    refusée faute de nom.
    """
    nommees = max((i + 1 for i, nom in enumerate(entete) if nom.strip()), default=0)
    pleines = Counter(i for li in lignes for i in range(nommees, len(li)) if li[i].strip())
    vraies = [i + 1 for i, n in pleines.items() if n * 2 > len(lignes)]
    largeur = max([nommees, *vraies])
    entete = entete[:largeur] + ("",) * (largeur - len(entete))
    tailles = [li[:largeur] + ("",) * (largeur - len(li)) for li in lignes]
    return (
        entete,
        tailles,
        [
            Anomalie(
                fichier,
                "cellule hors du tableau, ignorée",
                "Donnez un nom à cette colonne si elle compte.",
                numero,
                valeur=abreger(ligne[rang].strip()),
                gravite="avertissement",
            )
            for ligne, numero in zip(lignes, numeros, strict=True)
            for rang in range(largeur, len(ligne))
            if ligne[rang].strip()
        ],
    )


def _sans_colonnes_vides(tableau: Tableau) -> tuple[Tableau, list[Anomalie]]:
    """Ôter les colonnes sans nom ni valeur, que les tableurs laissent à droite."""
    suspectes = [i for i, nom in enumerate(tableau.entete) if not nom]
    vides = {i for i in suspectes if not any(li[i].strip() for li in tableau.lignes)}
    if not vides or (not tableau.lignes and len(vides) == len(tableau.entete)):
        return tableau, []
    gardees = [i for i in range(len(tableau.entete)) if i not in vides]
    rangs = {ancien: nouveau for nouveau, ancien in enumerate(gardees)}
    nouveau = replace(
        tableau,
        entete=tuple(tableau.entete[i] for i in gardees),
        lignes=tuple(tuple(li[i] for i in gardees) for li in tableau.lignes),
        defauts={(r, rangs[c]): d for (r, c), d in tableau.defauts.items() if c in rangs},
    )
    if tableau.classeur:
        return nouveau, []
    regle = f"{compte(len(vides), 'colonne vide ignorée', 'colonnes vides ignorées')}"
    ligne = tableau.ligne_entete
    return nouveau, [Anomalie(tableau.fichier, regle, "", ligne, gravite="information")]


def _fautes_de_noms(tableau: Tableau) -> list[Anomalie]:
    fautes = []
    premiers: dict[str, int] = {}
    for rang, nom in enumerate(tableau.entete):
        if not nom:
            regle = f"colonne {rang + 1}{INSECABLE}: pas de nom"
            conseil = "Nommez-la ou supprimez-la."
            fautes.append(Anomalie(tableau.fichier, regle, conseil, tableau.ligne_entete))
        elif nom in premiers:
            fois = tableau.entete.count(nom)
            regle = (
                f"la colonne «{INSECABLE}{nom}{INSECABLE}» est présente {fois} fois "
                f"(colonnes {premiers[nom] + 1} et {rang + 1})"
            )
            conseil = "Gardez une seule colonne."
            fautes.append(Anomalie(tableau.fichier, regle, conseil, tableau.ligne_entete, nom))
        else:
            premiers[nom] = rang
    return fautes
