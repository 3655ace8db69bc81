"""Pièces d'écran partagées par les pages."""
