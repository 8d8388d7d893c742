// SPDX-License-Identifier: Apache-2.0
#include "supervision/supervisor.hpp"

#include <algorithm>
#include <utility>

namespace lyceum::supervision {
namespace {

std::vector<child_spec> specs_of(const std::vector<child>& children) {
  std::vector<child_spec> specs;
  specs.reserve(children.size());
  for (const auto& c : children)
    specs.push_back(c.spec);
  return specs;
}

bool all_have_starts(const std::vector<child>& children) {
  return std::ranges::all_of(children, [](const child& c) { return c.spec.type == child_type::supervisor || c.start; });
}

} // namespace

child worker(child_spec spec, start_function start) {
  child c;
  spec.type = child_type::worker;
  c.spec = std::move(spec);
  c.start = std::move(start);
  return c;
}

child supervisor(child_spec spec, sup_flags flags, std::vector<child> children) {
  child c;
  spec.type = child_type::supervisor;
  c.spec = std::move(spec);
  c.flags = std::move(flags);
  c.children = std::move(children);
  return c;
}

child supervisor(child_spec spec, init_function init) {
  child c;
  spec.type = child_type::supervisor;
  c.spec = std::move(spec);
  c.init = std::move(init);
  return c;
}

child dynamic_supervisor(child_spec spec, sup_flags flags, start_function start) {
  return dynamic_supervisor(std::move(spec), std::move(flags),
                            worker({.id = "child", .restart = restart_type::temporary}, std::move(start)));
}

child dynamic_supervisor(child_spec spec, sup_flags flags, child of) {
  flags.strategy = strategy::simple_one_for_one;
  std::vector<child> only;
  only.push_back(std::move(of));
  return supervisor(std::move(spec), std::move(flags), std::move(only));
}

errc check_children(const sup_flags& flags, const std::vector<child>& children) {
  if (const auto bad = check_specs(flags, specs_of(children)); bad != errc::none)
    return bad;
  if (flags.strategy == strategy::simple_one_for_one && children.front().spec.type == child_type::supervisor)
    return errc::invalid_child_type; // a deviation: dynamic children are workers
  return all_have_starts(children) ? errc::none : errc::missing_start;
}

errc check_childspecs(const std::vector<child>& children, std::optional<auto_shutdown> mode) {
  if (const auto bad = check_childspecs(specs_of(children), mode); bad != errc::none)
    return bad;
  return all_have_starts(children) ? errc::none : errc::missing_start;
}

} // namespace lyceum::supervision
