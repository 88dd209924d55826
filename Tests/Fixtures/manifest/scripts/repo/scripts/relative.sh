#!bash
