// SPDX-License-Identifier: Apache-2.0
#include "storage/import.hpp"
#include "storage/json_text.hpp"

#include <algorithm>

namespace lyceum::storage {
namespace {

int count(const std::vector<fault>& faults, fault::severity how) {
  return static_cast<int>(std::count_if(faults.begin(), faults.end(), [&](const fault& f) { return f.how == how; }));
}

std::string many(int n, std::string_view what) {
  return std::to_string(n) + " " + std::string(what) + (n == 1 ? "" : "s");
}

} // namespace

int import_report::errors() const {
  return count(faults, fault::severity::error);
}
int import_report::warnings() const {
  return count(faults, fault::severity::warning);
}

std::string to_text(const import_report& r) {
  std::string out;
  for (const auto& item : r.items) {
    const char* what = item.what == import_item::kind::added     ? "added    "
                       : item.what == import_item::kind::changed ? "changed  "
                                                                 : "removed  ";
    out += what + item.name + (item.file.empty() ? "" : "  " + item.file) + "\n";
  }
  for (const auto& f : r.faults)
    out += to_string(f) + "\n";
  out += (r.dry_run ? "Would have: " : "") + std::to_string(r.added) + " added, " + std::to_string(r.changed) +
         " changed, " + std::to_string(r.removed) + " removed, " + std::to_string(r.unchanged) + " unchanged; " +
         many(r.errors(), "error") + ", " + many(r.warnings(), "warning") + " (" +
         std::to_string(r.took.count() / 1000) + " ms)\n";
  return out;
}

std::string to_json(const import_report& r) {
  return json_text::of_report(r);
}

} // namespace lyceum::storage
