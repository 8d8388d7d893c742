// SPDX-License-Identifier: Apache-2.0
#include "supervision/supervisor.hpp"

#include <utility>

namespace lyceum::supervision {

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

child dynamic_supervisor(child_spec spec, sup_flags flags, start_function start) {
  child c;
  spec.type = child_type::supervisor;
  c.spec = std::move(spec);
  c.flags = std::move(flags);
  c.flags.strategy = strategy::simple_one_for_one;
  c.start = std::move(start);
  return c;
}

} // namespace lyceum::supervision
