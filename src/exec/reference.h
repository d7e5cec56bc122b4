/* What a case measured against the references of its check. Pure. */
#ifndef EXEC_REFERENCE_H
#define EXEC_REFERENCE_H

#include "model/run.h"
#include "suite/suite.h"

/*
 * Judge the metrics of RESULT, a pass, by REFERENCES; memory is ARENA's. Of each metric the median
 * is compared, with the reference of its very cell, else with that of "*"; one of neither is not
 * judged, and what was found says so. The first that is outside fails the case:
 * metric/out-of-reference, with another unit metric/unit-mismatch, one that was not measured
 * metric/not-reported.
 */
void reference_judge(const struct suite_references *references, struct arena *arena,
		     struct case_result *result);

#endif
