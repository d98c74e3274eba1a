"""Why a subject differs: faults of the catalogue that explain what it did, confirmed."""
