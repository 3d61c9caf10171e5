// What the tests of sigtimeout share.
#pragma once

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "support/child.hpp"

namespace test {

inline std::vector<std::string> sigtimeout_words(std::vector<std::string> rest) {
  rest.insert(rest.begin(), program("sigtimeout"));
  return rest;
}

inline run_result sigtimeout(std::vector<std::string> rest, const run_options& options = {}) {
  return run(sigtimeout_words(std::move(rest)), options);
}

/// A run, and what of it was still there afterwards; that is killed then.
struct job_result {
  sigkit::exit_status status = sigkit::exit_status::exited(-1);
  std::string out;
  std::string err;
  std::vector<std::string> left;
};

inline job_result sigtimeout_job(std::vector<std::string> rest) {
  const std::string mark = new_mark();
  const run_options marked{.environment = {mark}, .before_exec = {}, .argv0 = {}};
  const run_result result = sigtimeout(std::move(rest), marked);
  job_result job{result.status, result.out, result.err, marked_processes(mark)};
  kill_marked(mark);
  return job;
}

inline std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines)
    text += line + "; ";
  return text;
}

/// All of a file; empty where there is none.
inline std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace test
