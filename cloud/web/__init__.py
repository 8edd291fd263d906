"""The cloud's HTTP side: the interface for gateways and researchers, and the farmer's pages."""
