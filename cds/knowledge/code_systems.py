"""The code systems that are known by name: their addresses, their OIDs, and how a sentence calls them."""

from __future__ import annotations

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
NDC = "http://hl7.org/fhir/sid/ndc"
ATC = "http://www.whocc.no/atc"
SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
ICD_10 = "http://hl7.org/fhir/sid/icd-10"
ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"

OIDS = {
    RXNORM: "urn:oid:2.16.840.1.113883.6.88",
    NDC: "urn:oid:2.16.840.1.113883.6.69",
    ATC: "urn:oid:2.16.840.1.113883.6.73",
    SNOMED: "urn:oid:2.16.840.1.113883.6.96",
    LOINC: "urn:oid:2.16.840.1.113883.6.1",
    ICD_10: "urn:oid:2.16.840.1.113883.6.3",
    ICD_10_CM: "urn:oid:2.16.840.1.113883.6.90",
}
TITLES = {
    RXNORM: "RxNorm",
    SNOMED: "SNOMED CT",
    LOINC: "LOINC",
    ICD_10_CM: "ICD-10-CM",
    ICD_10: "ICD-10",
    ATC: "ATC",
}
