@echo off
rem Boussole CTG : double-cliquez sur ce fichier pour ouvrir l'application.
setlocal EnableExtensions DisableDelayedExpansion
chcp 65001 >nul
title Boussole CTG

rem pushd accepte aussi un dossier réseau (\\serveur\partage), que cd refuse.
pushd "%~dp0" || goto :dossier
rem Ouvert depuis un zip, ce fichier est extrait seul.
if not exist requirements.txt goto :dossier

if not defined PORT set "PORT=8501"
set "PYTHONUTF8=1"
rem Le gestionnaire de Python téléchargerait sinon chaque version essayée.
set "PYTHON_MANAGER_AUTOMATIC_INSTALL=false"
set "PYTHON_ENV=.venv\Scripts\python.exe"
set "TEMOIN=.venv\requirements.installe.txt"
rem En 32 bits, les bibliothèques de calcul n'existent pas.
set "VERIFIER=import sys; sys.exit(sys.version_info < (3, 11) or sys.maxsize < 2**32)"

rem Un environnement copié d'un autre poste ne répond pas : il est refait.
if exist "%PYTHON_ENV%" "%PYTHON_ENV%" -c "import pip; %VERIFIER%" >nul 2>nul && goto :bibliotheques

set "PYTHON="
for %%V in (3.13 3.12 3.11 3) do if not defined PYTHON py -%%V -c "%VERIFIER%" >nul 2>nul && set "PYTHON=py -%%V"
if not defined PYTHON python -c "%VERIFIER%" >nul 2>nul && set "PYTHON=python"
if not defined PYTHON goto :sans_python

echo Création de l'environnement Python...
%PYTHON% -m venv --clear .venv || goto :installation

:bibliotheques
fc /b requirements.txt "%TEMOIN%" >nul 2>nul && goto :lancer
echo Installation des bibliothèques (quelques minutes la première fois)...
"%PYTHON_ENV%" -m pip --disable-pip-version-check install --quiet -r requirements.txt || goto :installation
copy /y requirements.txt "%TEMOIN%" >nul

:lancer
echo.
echo Boussole CTG s'ouvre dans votre navigateur : http://127.0.0.1:%PORT%
echo Gardez cette fenêtre ouverte. La fermer arrête l'application.
"%PYTHON_ENV%" -m streamlit run app.py --server.address 127.0.0.1 --server.port %PORT% --server.headless false || goto :arret
popd
exit /b 0

:dossier
echo L'application n'est pas à côté de lancer.bat.
echo Si vous l'avez ouverte depuis un fichier zip, extrayez d'abord tout le dossier.
goto :erreur

:sans_python
echo Python 3.11 ou plus récent (64 bits) est introuvable.
echo Téléchargez-le sur https://www.python.org/downloads/windows/
echo Au premier écran de l'installation, cochez « Add python.exe to PATH ».
echo Double-cliquez ensuite de nouveau sur lancer.bat.
goto :erreur

:installation
echo L'installation a échoué : le message ci-dessus dit pourquoi.
echo Vérifiez la connexion à internet. Si le chemin du dossier est très long,
echo déplacez-le, par exemple dans C:\Boussole, puis recommencez.
goto :erreur

:arret
echo L'application s'est arrêtée.
echo Si une autre fenêtre Boussole CTG est ouverte, utilisez http://127.0.0.1:%PORT%
echo Sinon, dans une invite de commandes : set PORT=8502, puis lancer.bat

:erreur
echo.
pause
popd
exit /b 1
