"""Décoder les octets d'un texte sans jamais deviner en silence.

UTF-8 et UTF-16 se vérifient. Windows-1252 et ISO-8859-15 acceptent presque n'importe quels octets :
on ne les croit que si les caractères obtenus sont ceux d'un texte français. Les détecteurs
statistiques se trompent sur les petits fichiers (un nom de commune accentué n'y suffit pas).
"""

from __future__ import annotations

import re
import unicodedata

import ftfy

from ctg_data.anomalies import Anomalie, abreger
from ctg_data.lecture.signatures import Refus
from ctg_data.textes import compte

ENREGISTRER = "Enregistrez en « CSV UTF-8 » : dans le tableur, Enregistrer sous."
_FIN_DE_LIGNE = re.compile(r"\r\n|\r|\n")
_PROTEGE = re.compile(r'"[^"]*"?')
_SEPARATEURS = ";\t,|"

_LETTRES = frozenset("àâäçéèêëîïôöùûüÿæœÀÂÄÇÉÈÊËÎÏÔÖÙÛÜŸÆŒñÑáíóúåãõøìòß")
_SIGNES = frozenset("«»’‘“”…–—€°²³§µ·•´¨×½¼¾©®™ªº±£‰\u00a0\u00ad¹")
# Signes qui ne se trouvent jamais entre deux lettres d'un mot : la marque d'un autre encodage.
_ENTRE_LETTRES = _SIGNES - set("’‘´·\u00a0\u00ad—–«»")
_COURANTES = re.compile(r"(?<=[^\W\d_])[éèêëàâçîïôùûÉÈÊÀÇÔœ]|[éèêëàâçîïôùûÉÈÊÀÇÔœ](?=[^\W\d_])")
# « Ã© » pour « é », « â€™ » pour « ’ » : de l'UTF-8 relu comme du Windows-1252.
_MOJIBAKE = re.compile("[ÃÂ][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|â(€|\x80)|Å[\x93“’]|ï»¿")
_UTF8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


def decoder(octets: bytes, fichier: str) -> tuple[str, list[Anomalie]]:
    """Rendre le texte d'un fichier et ce qu'il a fallu faire pour le lire.

    Lève Refus quand l'encodage n'est pas sûr : MacRoman, encodages mélangés, fichier coupé au
    milieu d'un caractère, octets nuls. La ligne fautive est dite.
    """
    texte, notes = _brut(octets)
    if "\x00" in texte:
        ligne, colonne = situer(texte[: texte.index("\x00")])
        conseil = f"Exportez-le de nouveau. {ENREGISTRER}"
        regle, trouve = "caractère nul, fichier abîmé", "octet 0x00"
        raise Refus(regle, conseil, ligne, trouve, colonne)
    anomalies = [Anomalie(fichier, note, "", gravite="information") for note in notes]
    if texte.isascii():
        return texte, anomalies
    texte, doubles = _defaire_double_encodage(texte, fichier)
    texte, decomposes = _recomposer(texte, fichier)
    return texte.lstrip("\ufeff"), [*anomalies, *doubles, *decomposes, *_perdus(texte, fichier)]


def _brut(octets: bytes) -> tuple[str, list[str]]:
    if octets.startswith(b"\xef\xbb\xbf"):
        return _utf8(octets[3:]), ["marque d'encodage (BOM) lue et ôtée"]
    large = _utf16(octets)
    if large:
        try:
            return octets.decode(large), [f"encodage {large[:6].upper()} détecté"]
        except UnicodeDecodeError as faute:
            raise _coupe(octets, faute, large) from None
    try:
        return octets.decode("utf-8"), []
    except UnicodeDecodeError as faute:
        if _fin_coupee(octets, faute):
            raise _coupe(octets, faute, "utf-8") from None
        if _contient_utf8(octets):
            raise _illisible(octets, faute.start, "encodages mélangés") from None
    return _huit_bits(octets)


def _utf8(octets: bytes) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError as faute:
        if _fin_coupee(octets, faute):
            raise _coupe(octets, faute, "utf-8") from None
        raise _illisible(octets, faute.start, "encodages mélangés") from None


def _utf16(octets: bytes) -> str:
    """Nommer la variante d'UTF-16 : marque, ou un octet sur deux nul (texte latin)."""
    if octets.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return "utf-32"
    if octets.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    debut = octets[:20_000]
    pairs, impairs = debut[0::2].count(0), debut[1::2].count(0)
    if max(pairs, impairs) * 4 < len(debut) or min(pairs, impairs) * 20 > max(pairs, impairs):
        return ""
    return "utf-16-be" if pairs > impairs else "utf-16-le"


def _fin_coupee(octets: bytes, faute: UnicodeDecodeError) -> bool:
    return faute.reason == "unexpected end of data" and faute.end >= len(octets) - 3


def _coupe(octets: bytes, faute: UnicodeDecodeError, encodage: str) -> Refus:
    avant = octets[: faute.start].decode(encodage, "replace")
    ligne, rang = position(avant)
    attendu = position(_FIN_DE_LIGNE.split(avant, maxsplit=1)[0])[1]
    manque = f" et {compte(rang + 1, 'colonne')} au lieu de {attendu + 1}" if rang < attendu else ""
    conseil = "Téléchargez ou exportez de nouveau le fichier : sa fin manque."
    return Refus(f"fichier coupé (caractère incomplet{manque})", conseil, ligne)


def _illisible(octets: bytes, debut: int, raison: str) -> Refus:
    ligne, colonne = situer(octets[:debut].decode("utf-8", "replace"))
    regle = f"caractère illisible (octet 0x{octets[debut]:02X}) — {raison}"
    return Refus(regle, ENREGISTRER, ligne, colonne=colonne)


def _contient_utf8(octets: bytes) -> bool:
    """Dire si des octets portent des lettres françaises en UTF-8, et pas un hasard de 1252."""
    trouves = {b.decode("utf-8", "ignore") for b in _UTF8.findall(octets)}
    return bool(trouves & (_LETTRES | _SIGNES))


def _huit_bits(octets: bytes) -> tuple[str, list[str]]:
    texte = octets.decode("cp1252", "replace")
    if _latin9(octets, texte):
        return octets.decode("iso8859_15"), ["encodage ISO-8859-15 détecté"]
    fautif = _douteux(texte)
    if fautif is None and _courantes(texte) >= max(
        _courantes(octets.decode(autre, "replace")) for autre in ("mac_roman", "cp850")
    ):
        return texte, ["encodage Windows-1252 détecté"]
    fautif = fautif if fautif is not None else next(i for i, o in enumerate(octets) if o > 127)
    ligne, colonne = situer(texte[:fautif])
    trouve = f"octet 0x{octets[fautif]:02X}"
    raise Refus("encodage non reconnu", ENREGISTRER, ligne, trouve, colonne)


def _latin9(octets: bytes, texte: str) -> bool:
    """Dire si c'est de l'ISO-8859-15 : « œ » y occupe la place de « ½ », « € » celle de « ¤ »."""
    if re.search(rb"[\x80-\x9f]", octets):
        return False
    oe = re.search("[A-Za-zÀ-ÿ][¼½]|[¼½][A-Za-zÀ-ÿ]|¾[A-ZÀ-Þ]|[A-ZÀ-Þ]¾", texte)
    return bool(oe) or "¤" in texte


def _douteux(texte: str) -> int | None:
    """Rendre le rang du premier caractère qu'un texte français ne porte pas ; None si aucun."""
    for trouve in re.finditer(r"[^\x00-\x7f]", texte):
        signe, rang = trouve[0], trouve.start()
        if signe not in _LETTRES and signe not in _SIGNES:
            return rang
        voisins = texte[rang - 1 : rang] + texte[rang + 1 : rang + 2]
        if signe in _ENTRE_LETTRES and len(voisins) == 2 and voisins.isalpha():
            return rang
    return None


def _courantes(texte: str) -> int:
    """Compter les lettres accentuées courantes qui tiennent à une autre lettre."""
    return len(_COURANTES.findall(texte))


def _defaire_double_encodage(texte: str, fichier: str) -> tuple[str, list[Anomalie]]:
    if not _MOJIBAKE.search(texte):
        return texte, []
    lignes = texte.split("\n")
    reparees = [ftfy.fix_encoding(ligne) if _MOJIBAKE.search(ligne) else ligne for ligne in lignes]
    changees = [paire for paire in zip(lignes, reparees, strict=True) if paire[0] != paire[1]]
    if not changees:
        return texte, []
    mots = zip(*(re.split(r"[;,\t|\s]", ligne) for ligne in changees[0]), strict=False)
    avant, apres = next(paire for paire in mots if paire[0] != paire[1])
    regle = f"caractères mal décodés réparés sur {compte(len(changees), 'ligne')}"
    conseil = f"Vérifiez les noms, par exemple « {abreger(avant)} » devenu « {abreger(apres)} »."
    return "\n".join(reparees), [Anomalie(fichier, regle, conseil, gravite="avertissement")]


def _recomposer(texte: str, fichier: str) -> tuple[str, list[Anomalie]]:
    if unicodedata.is_normalized("NFC", texte):
        return texte, []
    regle = "accents décomposés (Mac) recomposés"
    return unicodedata.normalize("NFC", texte), [
        Anomalie(fichier, regle, "", gravite="information")
    ]


def _perdus(texte: str, fichier: str) -> list[Anomalie]:
    if "\ufffd" not in texte:
        return []
    ligne, _ = position(texte[: texte.index("\ufffd")])
    regle = (
        f"{compte(texte.count(chr(0xFFFD)), 'caractère perdu', 'caractères perdus')} (« \ufffd »)"
    )
    conseil = "Le fichier était déjà abîmé : repartez de l'original pour retrouver les accents."
    return [Anomalie(fichier, regle, conseil, ligne, gravite="avertissement")]


def situer(avant: str) -> tuple[int, str | None]:
    """Rendre la ligne où un texte s'arrête, et le nom de sa colonne s'il se lit dans l'en-tête."""
    ligne, rang = position(avant)
    entete = _FIN_DE_LIGNE.split(avant, maxsplit=1)[0]
    separateur = max(_SEPARATEURS, key=entete.count)
    noms = [nom.strip(' "') for nom in entete.split(separateur)]
    nomme = ligne > 1 and len(noms) > 1 and rang < len(noms)
    return ligne, noms[rang] or None if nomme else None


def position(avant: str) -> tuple[int, int]:
    """Rendre la ligne (depuis 1) et le rang de colonne (depuis 0) où un texte s'arrête."""
    lignes = _FIN_DE_LIGNE.split(_PROTEGE.sub("", avant))
    return len(lignes), max(lignes[-1].count(s) for s in _SEPARATEURS)
