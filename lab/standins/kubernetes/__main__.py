"""`python -m lab.standins.kubernetes <engine address>`."""

import versions
from lab.standins.base import serve
from lab.standins.kubernetes.provider import KubernetesProvider
from lab.standins.kubernetes.servicer import KubernetesServicer

if __name__ == "__main__":
    serve(KubernetesProvider(name="kubernetes", version=versions.PLUGIN_KUBERNETES), KubernetesServicer)
