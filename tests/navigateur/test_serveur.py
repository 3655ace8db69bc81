"""Le serveur qui tourne a bien les réglages livrés."""

import http.client
import socket
from urllib.parse import urlsplit

import pytest

POIGNEE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def statut(serveur: str, hote: str, origine: str | None = None) -> int:
    """Demander une session (par où passent toutes les données) ; rendre le code de la réponse."""
    lien = http.client.HTTPConnection("127.0.0.1", urlsplit(serveur).port, timeout=10)
    entetes = {**POIGNEE, "Host": hote, "Origin": origine or f"http://{hote}"}
    lien.request("GET", "/_stcore/stream", headers=entetes)
    return lien.getresponse().status


def test_il_n_ecoute_que_cette_machine(serveur):
    port = urlsplit(serveur).port
    # Aucun paquet ne part : un socket UDP « connecté » dit seulement l'adresse locale choisie.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as prise:
        try:
            prise.connect(("192.0.2.1", 9))
            adresse = prise.getsockname()[0]
        except OSError:
            adresse = "127.0.0.2"
    with pytest.raises(OSError):
        socket.create_connection((adresse, port), timeout=3)
    socket.create_connection(("127.0.0.1", port), timeout=3).close()


@pytest.mark.parametrize("hote", ("pirate.example", "127.0.0.1.pirate.example", "192.0.2.1"))
def test_un_hote_etranger_est_refuse(serveur, hote):
    port = urlsplit(serveur).port
    assert statut(serveur, f"127.0.0.1:{port}") == 101
    assert statut(serveur, f"localhost:{port}") == 101
    assert statut(serveur, f"{hote}:{port}") >= 400


def test_une_page_d_ailleurs_ne_peut_pas_ouvrir_de_session(serveur):
    port = urlsplit(serveur).port
    assert statut(serveur, f"127.0.0.1:{port}", "http://pirate.example") >= 400


def test_aucune_statistique_d_usage(ecran):
    ecran.ouvrir("donnees")
    session = next(m for m in ecran.messages() if m.WhichOneof("type") == "new_session")
    assert session.new_session.config.gather_usage_stats is False


def test_le_menu_du_navigateur_n_offre_aucun_reglage_de_developpeur(ecran):
    ecran.ouvrir("donnees")
    assert ecran.page.locator("[data-testid='stAppDeployButton']").count() == 0
