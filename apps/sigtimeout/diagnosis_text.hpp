#pragma once

#include <string>
#include <vector>

#include <sigkit/diagnosis.hpp>

namespace sigkit::apps {

/// The tree of processes for a person who reads a log: a line for each with its branch, below it
/// what its threads are doing and its signals, and at the end which one to look at first. As wide
/// as 100 columns where the tree is not too deep. Empty where there is no process.
std::string diagnosis_text(const std::vector<process_diagnosis>& tree);

} // namespace sigkit::apps
