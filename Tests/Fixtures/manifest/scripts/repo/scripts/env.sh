#!/usr/bin/env
