/* data.h: data sets: read from files, split, normalised, handed out in batches. */
#ifndef AUTOGRAD_DATA_H
#define AUTOGRAD_DATA_H

#include <autograd/tensor.h>

/** Settings of ag_read_csv; all 0, or NULL for the settings, means: commas, and a header line. */
typedef struct ag_csv_options {
    char separator;      /**< 0 for a comma */
    bool no_header;      /**< the first line is data; columns are called "1", "2", "3" … */
    const char *missing; /**< one more text that stands for a missing cell, such as "?" */
} ag_csv_options;

/** The cells of a CSV file as text, until columns of them are turned into tensors. */
typedef struct ag_table {
    const char *file;                /**< its name, for messages */
    uint32_t num_rows;               /**< without the heading */
    uint32_t num_columns;            /**< cells in each row */
    const char *const *column_names; /**< [num_columns] */
    const char *missing;             /**< ag_csv_options' */
    const char *text;                /**< all cells, each with a 0 at its end */
    const uint32_t *cells;           /**< [num_rows, num_columns]: where in the text each begins */
    const uint32_t *lines;           /**< [num_rows]: where in the file each begins, from 1 */
} ag_table;

/** The different texts of a column, in order: by value if all are numbers, else by their bytes. */
typedef struct ag_categories {
    uint32_t count;           /**< different texts */
    const char *const *names; /**< [count] */
} ag_categories;

/** Rows of features with their targets. It shares the tensors, and says which of their rows it has. */
typedef struct ag_dataset {
    ag_tensor *features;  /**< [rows, …] */
    ag_tensor *targets;   /**< [rows, …], or NULL */
    uint32_t num_rows;    /**< of this data set */
    const uint32_t *rows; /**< which they are; NULL: all, in order */
} ag_dataset;

/** Goes through a data set in batches, again and again. */
typedef struct ag_batches {
    ag_tensor *features;  /**< of the present batch: [count, …]; overwritten by the next one */
    ag_tensor *targets;   /**< the same; NULL if the data set has none */
    uint32_t count;       /**< rows in the present batch */
    const uint32_t *rows; /**< [count]: which rows of the data set's tensors these are */
    bool drop_last;       /**< set it to leave out a last batch that is not full */

    /* The rest is for ag_next_batch. */
    const ag_dataset *dataset; /**< where the rows come from */
    uint32_t batch_size;       /**< rows in a full batch */
    uint32_t position;         /**< rows of this epoch that were handed out */
    ag_random *random;         /**< NULL: in order */
    ag_random epoch_random;    /**< what *random was before this epoch was shuffled */
    uint32_t *order;           /**< [dataset->num_rows]: the rows as this epoch takes them */
    ag_tensor views[2];        /**< features and targets where no copy is needed */
    ag_tensor copies[2];       /**< and where one is */
} ag_batches;

/** What is subtracted from features, and what they are then divided by. */
typedef struct ag_normalization {
    size_t num_columns;     /**< 1: the same for all columns */
    const float *mean;      /**< of each feature */
    const float *deviation; /**< never 0 */
} ag_normalization;

AG_BEGIN_DECLS

/* ---- files ---- */

/**
 * Reads an IDX file of unsigned bytes, the format of MNIST and its kin: a header with the
 * dimensions, then the elements in row-major order. Files compressed by gzip are recognised and
 * decompressed where the library was built with zlib.
 * @param arena  where the tensor lives, with one float from 0 to 255 for each byte.
 * @return NULL on failure, with nothing taken from the arena: AG_ERROR_NULL; AG_ERROR_FILE (cannot be
 *         opened or read; compressed, and there is no zlib); AG_ERROR_FORMAT (no IDX of bytes,
 *         shorter or longer than its header says); AG_ERROR_SHAPE; AG_ERROR_MEMORY.
 */
AG_API ag_tensor *ag_read_idx(ag_arena *arena, const char *path);

/**
 * Reads a CSV file (RFC 4180): cells separated by commas, those with commas, quotes or line breaks in
 * them within double quotes, where a quote is doubled. Lines end with LF or CRLF; empty ones are
 * left out; blanks around a cell that is not quoted are, too. A byte order mark at the start is skipped.
 * @param options  NULL for the usual ones.
 * @return NULL on failure, with nothing taken from the arena: AG_ERROR_NULL; AG_ERROR_FILE;
 *         AG_ERROR_ARGUMENT (an impossible separator); AG_ERROR_FORMAT (with line and column: a row
 *         with more or fewer cells than the first, a quote out of place or without its partner, a
 *         byte 0; no rows; two columns of one name); AG_ERROR_MEMORY.
 */
AG_API ag_table *ag_read_csv(ag_arena *arena, const char *path, const ag_csv_options *options);

/** The text of a cell, both counted from 0; "" for a missing one. NULL: AG_ERROR_NULL, _ARGUMENT. */
AG_API const char *ag_table_cell(const ag_table *table, uint32_t row, uint32_t column);

/** Which column has this name. @return AG_ERROR_NULL; AG_ERROR_ARGUMENT if none has. */
AG_API ag_status ag_table_column(const ag_table *table, const char *name, uint32_t *column);

/**
 * The rows in which none of these columns is missing. A cell is missing if it is empty, "NA", "N/A",
 * "null", "nan" or "NaN", or what ag_csv_options says.
 * @return a table that shares the other's texts, or NULL: AG_ERROR_NULL; AG_ERROR_ARGUMENT (no such
 *         column); AG_ERROR_FORMAT (no such row); AG_ERROR_MEMORY.
 */
AG_API ag_table *ag_table_complete_rows(ag_arena *arena, const ag_table *table, uint32_t count,
                                        const char *const *names);

/**
 * Columns of numbers as a tensor [rows, count]; NaN where a cell is missing.
 * @param names  the columns; NULL for the first `count` of the table.
 * @return NULL on failure: AG_ERROR_NULL; AG_ERROR_ARGUMENT (no such column, no columns);
 *         AG_ERROR_FORMAT (a cell that is no number, with its line and column); AG_ERROR_MEMORY.
 */
AG_API ag_tensor *ag_table_numbers(ag_arena *arena, const ag_table *table, uint32_t count,
                                   const char *const *names);

/** The categories of a column, without the missing ones. NULL as for ag_table_numbers. */
AG_API ag_categories *ag_table_categories(ag_arena *arena, const ag_table *table, const char *name);

/**
 * A column of categories as their indices, from 0 on: [rows, 1].
 * @param categories  those of this or of another table's column; NULL for those of this column.
 * @return NULL on failure: as for ag_table_numbers; AG_ERROR_FORMAT also for a cell that is missing or
 *         no such category, with its line and column.
 */
AG_API ag_tensor *ag_table_indices(ag_arena *arena, const ag_table *table, const char *name,
                                   const ag_categories *categories);

/** The same as one-hot rows: [rows, categories], 1 in the category's column, 0 elsewhere. */
AG_API ag_tensor *ag_table_one_hot(ag_arena *arena, const ag_table *table, const char *name,
                                   const ag_categories *categories);

/* ---- data sets ---- */

/**
 * A data set of all rows of a tensor; nothing is copied.
 * @param targets  as many rows, or NULL.
 * @return NULL on failure: AG_ERROR_NULL, AG_ERROR_SHAPE, AG_ERROR_MEMORY.
 */
AG_API ag_dataset *ag_dataset_create(ag_arena *arena, ag_tensor *features, ag_tensor *targets);

/**
 * Splits a data set at random into two, without copying a row: the test set gets
 * round(num_rows · test_share) of them. Both keep the order that their rows had.
 * @return AG_ERROR_NULL; AG_ERROR_ARGUMENT if either part would be empty; AG_ERROR_MEMORY.
 */
AG_API ag_status ag_dataset_split(ag_arena *arena, const ag_dataset *dataset, double test_share,
                                  ag_random *random, ag_dataset **training, ag_dataset **test);

/**
 * The mean of a data set's features and their standard deviation (of the population; 1 where it
 * would be 0), NaN left out.
 * @param per_column  one of each for each column, as for tables; else one for all, as for images.
 * @return NULL on failure: AG_ERROR_NULL, AG_ERROR_MEMORY.
 */
AG_API ag_normalization *ag_normalization_fit(ag_arena *arena, const ag_dataset *training,
                                              bool per_column);

/**
 * features = (features - mean) / deviation, for every row of the tensor. Both parts of a split share
 * one tensor, which is to be normalised once.
 * @return AG_ERROR_NULL; AG_ERROR_SHAPE unless rows are as wide as those that were fitted.
 */
AG_API ag_status ag_normalize(const ag_normalization *normalization, ag_tensor *features);

/**
 * Batches of a data set. Only one batch is in memory, and rows that lie in order are not copied at
 * all: features and targets are then views of the data set's tensors, to be read and not written.
 * @param random  what shuffles each epoch; NULL to take the rows in order. An epoch's order depends on
 *                the generator's state at its start alone. It must outlive the batches.
 * @return NULL on failure: AG_ERROR_NULL; AG_ERROR_ARGUMENT (batch_size 0); AG_ERROR_MEMORY.
 */
AG_API ag_batches *ag_batches_create(ag_arena *arena, const ag_dataset *dataset,
                                     uint32_t batch_size, ag_random *random);

/**
 * Puts the next batch into features, targets, count and rows. True until the epoch is over; the call
 * after that begins the next epoch. False also for NULL. Allocates nothing.
 *     while (ag_next_batch(batches)) { … batches->features … }
 */
AG_API bool ag_next_batch(ag_batches *batches);

AG_END_DECLS

#endif
