# Joins the runs, effects and class effects of an experiment by their condition, as a researcher would: `Rscript
# join_tables.R FOLDER`. Prints the types of the columns and the rows as JSON. Called by parquet_interop.rs; exit code 3
# means that nanoparquet is not there.

if (!requireNamespace("nanoparquet", quietly = TRUE)) quit(status = 3)

folder <- commandArgs(trailingOnly = TRUE)[1]
table <- function(name) as.data.frame(nanoparquet::read_parquet(file.path(folder, paste0(name, ".parquet"))))
classes <- table("class_effects")[c("condition", "emotion", "effect")]
names(classes)[3] <- "effect_of_class"
joined <- merge(table("runs"), table("effects")[c("condition", "seeds", "images", "effect")], by = "condition")
joined <- merge(joined, classes, by = "condition")

quoted <- function(text) paste0("\"", text, "\"")
list_of <- function(texts) paste0("[", paste(texts, collapse = ", "), "]")
whole <- function(number) quoted(format(number, scientific = FALSE, digits = 22, trim = TRUE))
types <- vapply(joined, function(column) class(column)[1], "")
rows <- vapply(seq_len(nrow(joined)), function(row) {
  cells <- joined[row, ]
  list_of(c(
    quoted(cells$condition), whole(cells$seed), cells$effect, quoted(cells$emotion), cells$effect_of_class,
    whole(cells$train.batch_size), quoted(cells$train.optimizer.kind), tolower(cells$train.augment.flip)
  ))
}, "")
cat("{\"types\": {", paste(quoted(names(types)), quoted(types), sep = ": ", collapse = ", "), "}, \"rows\": ", list_of(rows), "}", sep = "")
