# Reference values for `core/src/analysis/moderated.rs`, by R's limma (Bioconductor):
#
#     Rscript tests/moderated.R > tests/data/moderated.json
#
# Needs R and limma; the tests need neither, only the file. `squeezeVar` fits the prior with `fitFDist` and draws
# each variance towards it. JSON has no infinity: a prior of endless degrees of freedom has `null`.

suppressPackageStartupMessages(library(limma))

set.seed(20040101)

number <- function(x) ifelse(is.finite(x), sprintf("%.17g", x), "null")
list_of <- function(x) paste0("[", paste(number(x), collapse = ", "), "]")

case <- function(name, variances, freedom) {
  variances <- signif(variances, 8)
  freedom <- rep_len(freedom, length(variances))
  found <- suppressWarnings(squeezeVar(variances, freedom))
  cat(sprintf(
    '  {"name": "%s", "variances": %s, "freedom": %s, "prior_variance": %s, "prior_freedom": %s, "moderated": %s}',
    name, list_of(variances), list_of(freedom), number(found$var.prior), number(found$df.prior),
    list_of(found$var.post)
  ))
}

drawn <- function(count, freedom, prior) {
  scale <- if (is.finite(prior)) prior / rchisq(count, prior) else 1
  scale * rchisq(count, freedom) / freedom
}

cat(sprintf('{\n "origin": "tests/moderated.R",\n "versions": {"R": "%s", "limma": "%s"},\n "cases": [\n',
  getRversion(), packageVersion("limma")))
case("seven conditions, three seeds", drawn(7, 2, 4), 2)
cat(",\n")
case("thirty-two conditions, three seeds", drawn(32, 2, 6), 2)
cat(",\n")
case("two conditions, three seeds", c(0.4, 19.5), 2)
cat(",\n")
case("alike beyond chance", c(0.31, 0.36, 0.29, 0.33), 4)
cat(",\n")
case("two seeds", drawn(9, 1, 3), 1)
cat(",\n")
case("ten seeds that differ much", 0.02 * drawn(12, 9, 2), 9)
cat(",\n")
case("some lack a seed", drawn(8, c(2, 2, 1, 2, 2, 2, 1, 2), 3), c(2, 2, 1, 2, 2, 2, 1, 2))
cat(",\n")
case("one is zero", c(0, drawn(6, 2, 5)), 2)
cat(",\n")
case("one condition", 0.7, 2)
cat("\n ]\n}\n")
