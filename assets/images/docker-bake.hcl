# `docker buildx bake -f assets/images/docker-bake.hcl` from the project's directory: every image, for both architectures.
# The lab itself builds its own platform alone, by Pulumi.

variable "REGISTRY" { default = "localhost/mesh-expansion" }
variable "TAG" { default = "dev" }
variable "LINKERD" { default = "edge-26.8.3" }
variable "FACES" { default = "2.0.0" }
# The release, and the SHA-256 of its archives, from the checksum files beside them.
variable "SPIRE_VERSION" { default = "" }
variable "SPIRE_SHA256_AMD64" { default = "" }
variable "SPIRE_SHA256_ARM64" { default = "" }

group "default" {
  targets = ["base", "faces", "pi", "dns-forwarder"]
}

target "common" {
  context   = "assets"
  platforms = ["linux/amd64", "linux/arm64"]
}

target "base" {
  inherits   = ["common"]
  dockerfile = "images/external-base/Dockerfile"
  tags       = ["${REGISTRY}/external-base:${TAG}"]
  args = {
    PROXY_IMAGE        = "cr.l5d.io/linkerd/proxy:${LINKERD}"
    SPIRE_VERSION      = SPIRE_VERSION
    SPIRE_SHA256_AMD64 = SPIRE_SHA256_AMD64
    SPIRE_SHA256_ARM64 = SPIRE_SHA256_ARM64
  }
}

target "faces" {
  inherits   = ["common"]
  name       = "faces-${workload}"
  matrix     = { workload = ["smiley", "color"] }
  dockerfile = "images/workload/Dockerfile"
  tags       = ["${REGISTRY}/faces-external-${workload}:${TAG}"]
  contexts   = { external-base = "target:base" }
  args = {
    BASE           = "external-base"
    WORKLOAD_IMAGE = "ghcr.io/buoyantio/faces-${workload}:${FACES}"
  }
}

target "pi" {
  inherits   = ["common"]
  dockerfile = "images/pi-workload/Dockerfile"
  tags       = ["${REGISTRY}/faces-pi-workload:${TAG}"]
  contexts   = { external-base = "target:base" }
  args       = { BASE = "external-base" }
}

target "dns-forwarder" {
  inherits   = ["common"]
  dockerfile = "images/dns-forwarder/Dockerfile"
  tags       = ["${REGISTRY}/dns-forwarder:${TAG}"]
}
