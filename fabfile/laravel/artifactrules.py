"""The rules of every artifact, in the language of .gitignore, and the .deployignore a project starts with."""

from __future__ import annotations

# never shipped, whatever .deployignore says: what belongs to one machine, and what the server makes itself
ALWAYS = """
.git
.env
.env.*
!.env.example
/public/hot
/public/storage
/bootstrap/cache/*.php
/storage/logs/*
/storage/framework/views/*
/storage/framework/sessions/*
/storage/framework/cache/*
!/storage/framework/cache/data/
/storage/framework/cache/data/*
!/storage/**/.gitignore
"""

NODE_MODULES = "node_modules\n"

# secrets by the look of their names, and people's data; a "!" in .deployignore brings back a certificate that is meant to be there
SECRETS = """
auth.json
.npmrc
*.pem
*.key
*.p12
*.pfx
id_rsa
id_ecdsa
id_ed25519
/database/*.sqlite
/*.sql
*.sql.gz
*.dump
"""

# what the build made; no rule of .deployignore can leave it behind
BUILT = ("public/build/", "public/mix-manifest.json", "bootstrap/ssr/")

DEFAULT = """\
# What the servers do not need. The rules are those of .gitignore: a leading / means this folder only, a trailing / means
# folders only, ! brings something back, the last rule that fits wins.
#
# They apply to the finished build. Built assets (public/build) are shipped whatever is said here, and so are the packages in
# vendor/, unless a rule begins with /vendor. Always left out: .git, .env files, node_modules, caches, logs, dumps and private
# keys.

# Tests and the tools around them
/tests/
/phpunit.xml
/phpunit.xml.dist
/.phpunit.result.cache
/.phpunit.cache/
/phpstan.neon
/phpstan.neon.dist
/pint.json

# Documentation
/docs/
/README.md
/CHANGELOG.md

# Continuous integration, editors, containers
/.github/
/.gitlab-ci.yml
/.editorconfig
/.gitattributes
/.idea/
/.vscode/
/docker-compose.yml

# Deployment: settings and environment files stay here
/deploy.toml
/fabfile/
/Admin-Local/

# Sources of the assets; they are in the build
/resources/css/
/resources/sass/
"""
