"""Lire un classeur XLSX sans l'ouvrir à l'aveugle : ni bombe, ni entité XML, ni cellule fantôme.

openpyxl lit les cellules ; on lui ôte d'abord les lignes vides (une cellule mise en forme en bas
de feuille en fait lire un million) et on refuse ce qui ferait enfler le XML.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ctg_data.anomalies import Anomalie, abreger
from ctg_data.lecture.archive import CLASSEUR_MAX_MO, lire_membre, ouvrir
from ctg_data.lecture.modele import CELLULES_MAX, COLONNES_MAX, Rangees
from ctg_data.lecture.signatures import Refus
from ctg_data.lecture.texte import note_nettoyage, propre
from ctg_data.textes import INSECABLE, compte, enumeration, nombre

ENREGISTRER = "Ouvrez-le dans Excel ou LibreOffice, puis enregistrez-le de nouveau en .xlsx."
# Une ligne qui n'est que mise en forme : ni valeur, ni texte, ni formule.
_LIGNE_VIDE = re.compile(rb"<row\b[^>]*?(?:/>|>(?:\s*<c\b[^>]*?(?:/>|>\s*</c>))*\s*</row>)")
_DTD = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)
_FUSION = re.compile(rb'<mergeCell\b[^>]*\bref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')
_MASQUEE = re.compile(rb'<row\b(?=[^>]*\bhidden="(?:1|true)")[^>]*\br="(\d{1,7})"')
_COLONNE_MASQUEE = re.compile(
    rb'<col\b(?=[^>]*\bhidden="(?:1|true)")(?=[^>]*\bmin="(\d{1,5})")[^>]*\bmax="(\d{1,5})"'
)
POURCENTAGE = "pourcentage dans une colonne d'effectifs"
FUSIONS_MAX = 1_000
_PLACE = re.compile(rb'<(?:row|c)\b[^>]*?\br="([A-Z]{0,3})(\d{1,9})"')
_CHAINE_NEGATIVE = re.compile(rb'\bt="s"[^>]*>\s*<v>\s*-')
# Ce qu'un format de nombre écrit tel quel : un « % » entre guillemets n'en fait pas une part.
_LITTERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
LIGNES_EXCEL = 1_048_576
_SANS_VALEUR = "formule sans résultat"
FORMULE_TEXTE = "formule dans une colonne de texte"


@dataclass
class _Releve:
    """Accumuler ce qu'une feuille a de remarquable."""

    lignes: list[tuple[str, ...]] = field(default_factory=list)
    numeros: list[int] = field(default_factory=list)
    defauts: dict[tuple[int, int], str] = field(default_factory=dict)
    pourcentages: dict[int, str] = field(default_factory=dict)
    barrees: list[int] = field(default_factory=list)
    cellules_barrees: list[tuple[int, int]] = field(default_factory=list)
    nettoyees: int = 0
    vides_apres: int = 0
    cellules: int = 0


def lire_xlsx(octets: bytes, fichier: str) -> tuple[list[Rangees], list[Anomalie]]:
    """Lire toutes les feuilles visibles d'un classeur : rangées de texte et anomalies.

    Un nombre s'écrit avec un point (« 0.571 »), une date AAAA-MM-JJ, un booléen oui ou non ; un
    pourcentage est rendu tel qu'affiché (57.1). Lève Refus si le classeur est abîmé ou dangereux.
    """
    with ouvrir(octets, "classeur", CLASSEUR_MAX_MO) as archive:
        feuilles = {n: lire_membre(archive, n, "fichier Excel") for n in _xml(archive)}
        noms = set(archive.namelist())
    _refuser_dtd(feuilles)
    allege, retirees = _sans_lignes_vides(octets, feuilles)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rangees, anomalies = _feuilles(allege, feuilles, fichier)
    except Refus:
        raise
    except Exception:  # openpyxl lève de tout sur un classeur abîmé : KeyError, IndexError…
        raise Refus("fichier Excel abîmé", ENREGISTRER) from None
    return rangees, [*anomalies, *_note_vides(retirees, fichier), *_note_parties(noms, fichier)]


def _xml(archive: zipfile.ZipFile) -> list[str]:
    return [n for n in archive.namelist() if n.lower().endswith((".xml", ".rels", ".vml"))]


def _refuser_dtd(parties: dict[str, bytes]) -> None:
    for contenu in parties.values():
        # Un XML en UTF-16 cacherait sa déclaration à une recherche d'octets.
        tete = contenu[:4]
        if _DTD.search(contenu) or tete.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in tete:
            raise Refus("classeur refusé : déclaration XML interdite", ENREGISTRER)


def _sans_lignes_vides(octets: bytes, parties: dict[str, bytes]) -> tuple[bytes, int]:
    """Récrire le classeur sans ses lignes vides ni ses feuilles graphiques ; intact sinon.

    Rend aussi le nombre de lignes ôtées, quand il y en avait beaucoup. openpyxl ne sait pas ouvrir
    en lecture seule un classeur qui a une feuille graphique.
    """
    allegees, total = _sans_graphiques(parties), 0
    graphiques = bool(allegees)
    for nom, contenu in parties.items():
        if nom.startswith("xl/worksheets/"):
            allegees[nom], combien = _LIGNE_VIDE.subn(b"", contenu)
            _verifier_places(allegees[nom])
            total += combien
    if total < 100 and not graphiques:
        return octets, 0
    sortie = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(octets)) as avant, zipfile.ZipFile(sortie, "w") as apres:
        for nom in dict.fromkeys(avant.namelist()):
            apres.writestr(nom, allegees.get(nom) or avant.read(nom))
    return sortie.getvalue(), total if total >= 100 else 0


def _verifier_places(feuille: bytes) -> None:
    """Refuser une feuille dont les lignes ou les cellules se suivent mal.

    openpyxl en sauterait une ligne, ou lirait une cellule pour une autre, sans rien dire.
    """
    ligne, colonne = 0, -1
    for lettres, chiffres in _PLACE.findall(feuille):
        numero = int(chiffres)
        if not lettres:
            bonne = ligne < numero <= LIGNES_EXCEL
            ligne, colonne = numero, -1
        else:
            rang = _rang_colonne(lettres.decode())
            bonne = rang > colonne and (numero == ligne or not ligne)
            colonne = rang
        if not bonne:
            raise Refus("fichier Excel abîmé : lignes ou cellules en désordre", ENREGISTRER, numero)
    if _CHAINE_NEGATIVE.search(feuille):
        raise Refus("fichier Excel abîmé : texte introuvable", ENREGISTRER)


def _sans_graphiques(parties: dict[str, bytes]) -> dict[str, bytes]:
    liens = parties.get("xl/_rels/workbook.xml.rels", b"")
    classeur = parties.get("xl/workbook.xml", b"")
    for lien in re.findall(rb"<Relationship\b[^>]*>", liens):
        identifiant = re.search(rb'\bId="(\w+)"', lien)
        if b"chartsheet" in lien and identifiant:
            feuille = rb'<sheet\b[^>]*"' + identifiant[1] + rb'"[^>]*?(/>|>\s*</sheet>)'
            classeur = re.sub(feuille, b"", classeur)
    return {} if classeur == parties.get("xl/workbook.xml", b"") else {"xl/workbook.xml": classeur}


def _feuilles(
    octets: bytes, parties: dict[str, bytes], fichier: str
) -> tuple[list[Rangees], list[Anomalie]]:
    valeurs = _ouvrir(octets, data_only=True)
    formules = any(b"<f" in c for n, c in parties.items() if n.startswith("xl/worksheets/"))
    textes = _ouvrir(octets, data_only=False) if formules else None
    rangees, anomalies = [], []
    for feuille in valeurs.worksheets:
        if feuille.sheet_state != "visible" and len(valeurs.worksheets) > 1:
            anomalies.append(_masquee(feuille.title, fichier))
            continue
        barrees = b"<strike" in parties.get("xl/styles.xml", b"")
        releve = _lire(feuille, textes[feuille.title] if textes else None, barrees=barrees)
        xml = parties.get(feuille._worksheet_path.lstrip("/"), b"")
        _defaire_fusions(releve, _FUSION.findall(xml))
        rangees.append(_rangees(releve, feuille.title, fichier))
        anomalies += [*_notes(releve, fichier), *_notes_masquees(releve, xml, fichier)]
    return rangees, anomalies


def _ouvrir(octets: bytes, *, data_only: bool) -> Any:
    import openpyxl

    return openpyxl.load_workbook(
        io.BytesIO(octets), read_only=True, data_only=data_only, keep_links=False
    )


def _masquee(titre: str, fichier: str) -> Anomalie:
    regle = f"feuille masquée «{INSECABLE}{abreger(titre)}{INSECABLE}» ignorée"
    return Anomalie(fichier, regle, "Affichez-la si elle compte.", gravite="avertissement")


def _lire(feuille: Any, formules: Any, *, barrees: bool) -> _Releve:
    """Lire les lignes d'une feuille qui portent quelque chose ; `barrees` : un style raye."""
    releve = _Releve()
    feuille.reset_dimensions()  # Les dimensions annoncées peuvent mentir.
    for numero, (cellules, calculs) in enumerate(_paires(feuille, formules), 1):
        if not cellules:
            continue
        textes = _textes(cellules, calculs, numero, releve)
        if not any(t.strip() for t in textes):
            releve.vides_apres += 1
            continue
        releve.cellules += len(textes)
        if len(textes) > COLONNES_MAX or releve.cellules > CELLULES_MAX:
            regle = f"plus de {nombre(COLONNES_MAX)} colonnes, ou feuille trop grande"
            raise Refus(regle, "Ne gardez que les communes et les colonnes utiles.", numero)
        releve.lignes.append(textes)
        releve.numeros.append(numero)
        releve.vides_apres = 0
        if barrees:
            _relever_barrees(cellules, numero, releve)
    return releve


def _paires(feuille: Any, formules: Any) -> Iterator[tuple[Any, Any]]:
    if formules is None:
        yield from ((ligne, None) for ligne in feuille.iter_rows())
        return
    formules.reset_dimensions()
    yield from zip(feuille.iter_rows(), formules.iter_rows(), strict=False)


def _textes(cellules: Any, calculs: Any, numero: int, releve: _Releve) -> tuple[str, ...]:
    textes = []
    derniere = max((i + 1 for i, c in enumerate(cellules) if c.value is not None), default=0)
    if calculs is not None:
        formule = (i + 1 for i, c in enumerate(calculs) if c.value is not None)
        derniere = max(derniere, max(formule, default=0))
    for rang, cellule in enumerate(cellules[:derniere]):
        calcul = calculs[rang] if calculs is not None and rang < len(calculs) else None
        textes.append(_texte(cellule, calcul, (numero, rang), releve))
    return tuple(textes)


def _texte(cellule: Any, calcul: Any, place: tuple[int, int], releve: _Releve) -> str:
    valeur = cellule.value
    if calcul is not None and calcul.data_type == "f" and valeur is None:
        releve.defauts[place] = _SANS_VALEUR
        return "="
    if cellule.data_type == "e":
        releve.defauts[place] = f"erreur Excel «{INSECABLE}{valeur}{INSECABLE}»"
        return str(valeur)
    if isinstance(valeur, str):
        nette = propre(valeur)
        releve.nettoyees += nette != valeur
        return nette
    chiffre = isinstance(valeur, int | float) and not isinstance(valeur, bool)
    if chiffre and "%" in _LITTERAL.sub("", cellule.number_format or ""):
        releve.defauts[place] = POURCENTAGE
        affiche = ecrire(round(valeur * 100, 10))
        releve.pourcentages.setdefault(place[1], f"{ecrire(valeur)} → {affiche}")
        return affiche
    return ecrire(valeur)


def ecrire(valeur: object) -> str:
    """Écrire une valeur de tableur : nombre avec un point, date AAAA-MM-JJ, oui ou non."""
    if valeur is None:
        return ""
    if isinstance(valeur, bool):
        return "oui" if valeur else "non"
    if isinstance(valeur, float):
        return str(int(valeur)) if valeur.is_integer() and abs(valeur) < 1e15 else repr(valeur)
    if isinstance(valeur, dt.datetime):
        minuit = valeur.time() == dt.time()
        return valeur.date().isoformat() if minuit else valeur.isoformat(" ", "seconds")
    if isinstance(valeur, dt.date | dt.time):
        return valeur.isoformat()
    return str(valeur)


def _relever_barrees(cellules: Any, numero: int, releve: _Releve) -> None:
    """Relever une ligne toute barrée, ou ses cellules barrées une à une."""
    remplies = [i for i, c in enumerate(cellules) if c.value is not None]
    rayees = [i for i in remplies if getattr(cellules[i].font, "strike", False)]
    if rayees and len(rayees) == len(remplies):
        releve.barrees.append(numero)
    else:
        releve.cellules_barrees += [(numero, i) for i in rayees]


def _defaire_fusions(releve: _Releve, fusions: list[tuple[bytes, ...]]) -> None:
    """Marquer les cellules vidées par une fusion : leur valeur n'est pas connue.

    Au-dessus du tableau ou dessous, c'est un titre ou une note ; dedans, la valeur peut valoir
    pour chaque cellule ou pour leur somme, et seul l'auteur du fichier le sait.
    """
    rangs = {numero: i for i, numero in enumerate(releve.numeros)}
    for gauche, haut, droite, bas in fusions[:FUSIONS_MAX]:
        debut, fin = _rang_colonne(gauche.decode()), _rang_colonne(droite.decode())
        regle = (
            f"cellules {gauche.decode()}{haut.decode()}:{droite.decode()}{bas.decode()} fusionnées"
        )
        for numero in range(int(haut), min(int(bas), int(haut) + FUSIONS_MAX) + 1):
            for colonne in range(debut, min(fin, debut + 50) + 1) if numero in rangs else ():
                if (numero, colonne) != (int(haut), debut):
                    releve.defauts.setdefault((numero, colonne), regle)


def _rang_colonne(lettres: str) -> int:
    rang = 0
    for lettre in lettres:
        rang = rang * 26 + ord(lettre) - 64
    return rang - 1


def lettres_colonne(rang: int) -> str:
    """Écrire le rang d'une colonne (depuis 0) comme un tableur : A, B… Z, AA."""
    lettres = ""
    rang += 1
    while rang:
        rang, reste = divmod(rang - 1, 26)
        lettres = chr(65 + reste) + lettres
    return lettres


def _rangees(releve: _Releve, titre: str, fichier: str) -> Rangees:
    return Rangees(
        fichier,
        tuple(releve.lignes),
        tuple(releve.numeros),
        feuille=titre,
        classeur=True,
        defauts=releve.defauts,
    )


def _notes(releve: _Releve, fichier: str) -> list[Anomalie]:
    notes = note_nettoyage(releve.nettoyees, fichier)
    if releve.vides_apres and releve.numeros:
        regle = f"cellules vides ignorées au-delà de la ligne{INSECABLE}{releve.numeros[-1]}"
        notes.append(Anomalie(fichier, regle, "", gravite="information"))
    for numero in releve.barrees:
        regle, conseil = "barrée dans Excel, lue quand même", "Supprimez-la si elle ne compte plus."
        notes.append(Anomalie(fichier, regle, conseil, numero, gravite="avertissement"))
    if releve.cellules_barrees:
        places = [f"{lettres_colonne(c)}{n}" for n, c in releve.cellules_barrees]
        pluriel = "cellules barrées dans Excel, lues quand même"
        regle = compte(len(places), "cellule barrée dans Excel, lue quand même", pluriel)
        regle += f" ({enumeration(places, 5)})"
        numero, conseil = releve.cellules_barrees[0][0], "Videz-la si elle ne compte plus."
        notes.append(Anomalie(fichier, regle, conseil, numero, gravite="avertissement"))
    entetes = releve.lignes[0] if releve.lignes else ()
    for rang, exemple in releve.pourcentages.items():
        nom = entetes[rang] if rang < len(entetes) else lettres_colonne(rang)
        regle = f"pourcentages Excel convertis ({exemple})".replace(".", ",")
        notes.append(Anomalie(fichier, regle, "", colonne=nom, gravite="information"))
    return notes


def _notes_masquees(releve: _Releve, xml: bytes, fichier: str) -> list[Anomalie]:
    """Dire les lignes et les colonnes masquées, par un filtre ou à la main : elles sont lues."""
    lignes = {int(n) for n in _MASQUEE.findall(xml)} & set(releve.numeros)
    largeur = max(map(len, releve.lignes), default=0)
    colonnes = [
        lettres_colonne(rang)
        for debut, fin in _COLONNE_MASQUEE.findall(xml)
        for rang in range(int(debut) - 1, min(int(fin), largeur))
    ]
    notes = []
    conseil = "Supprimez ce qui ne compte plus."
    if lignes:
        pluriel = "lignes masquées dans Excel, lues quand même"
        regle = compte(len(lignes), "ligne masquée dans Excel, lue quand même", pluriel)
        premiere = min(lignes)
        notes.append(Anomalie(fichier, regle, conseil, premiere, gravite="avertissement"))
    if colonnes:
        pluriel = "colonnes masquées dans Excel, lues quand même"
        regle = compte(len(colonnes), "colonne masquée dans Excel, lue quand même", pluriel)
        regle += f" ({enumeration(colonnes, 5)})"
        notes.append(Anomalie(fichier, regle, conseil, gravite="avertissement"))
    return notes


def _note_vides(retirees: int, fichier: str) -> list[Anomalie]:
    if not retirees:
        return []
    regle = compte(retirees, "ligne vide ignorée", "lignes vides ignorées")
    return [Anomalie(fichier, regle, "", gravite="information")]


def _note_parties(noms: set[str], fichier: str) -> list[Anomalie]:
    """Dire les parties d'un classeur qui ne sont jamais ouvertes."""
    presentes = [
        quoi
        for debut, quoi in (
            ("xl/vbaProject", "macros"),
            ("xl/comments", "commentaires"),
            ("xl/externalLinks/", "liens vers d'autres classeurs"),
            ("xl/embeddings/", "objets incorporés"),
            ("xl/connections", "connexions à des données"),
        )
        if any(n.startswith(debut) for n in noms)
    ]
    if not presentes:
        return []
    regle = f"{enumeration(presentes)} ignorés"
    return [Anomalie(fichier, regle, "Seules les valeurs sont lues.", gravite="information")]
