"""This machine as a server: releases beside one another, one of them in force."""
