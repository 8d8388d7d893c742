// SPDX-License-Identifier: Apache-2.0
#include "supervision/child_spec.hpp"

#include <unordered_set>

namespace lyceum::supervision {

shutdown_type child_spec::shutdown_or_default() const {
  if (shutdown)
    return *shutdown;
  if (type == child_type::supervisor)
    return infinity{};
  return milliseconds{5000};
}

std::string_view name_of(errc e) {
  switch (e) {
  case errc::none:
    return "ok";
  case errc::already_started:
    return "already_started";
  case errc::already_present:
    return "already_present";
  case errc::start_error:
    return "start_error";
  case errc::max_children:
    return "max_children";
  case errc::not_found:
    return "not_found";
  case errc::running:
    return "running";
  case errc::restarting:
    return "restarting";
  case errc::simple_one_for_one:
    return "simple_one_for_one";
  case errc::noproc:
    return "noproc";
  case errc::not_running:
    return "not_running";
  case errc::timeout:
    return "timeout";
  case errc::missing_id:
    return "missing_id";
  case errc::missing_start:
    return "missing_start";
  case errc::invalid_restart_type:
    return "invalid_restart_type";
  case errc::invalid_shutdown:
    return "invalid_shutdown";
  case errc::invalid_child_type:
    return "invalid_child_type";
  case errc::duplicate_child:
    return "duplicate_child";
  case errc::invalid_intensity:
    return "invalid_intensity";
  case errc::invalid_period:
    return "invalid_period";
  case errc::invalid_strategy:
    return "invalid_strategy";
  case errc::invalid_auto_shutdown:
    return "invalid_auto_shutdown";
  case errc::bad_combination:
    return "bad_combination";
  case errc::bad_start_spec:
    return "bad_start_spec";
  }
  return "unknown";
}

std::string_view name_of(restart_type r) {
  switch (r) {
  case restart_type::permanent:
    return "permanent";
  case restart_type::transient:
    return "transient";
  case restart_type::temporary:
    return "temporary";
  }
  return "unknown";
}

std::string_view name_of(strategy s) {
  switch (s) {
  case strategy::one_for_one:
    return "one_for_one";
  case strategy::one_for_all:
    return "one_for_all";
  case strategy::rest_for_one:
    return "rest_for_one";
  case strategy::simple_one_for_one:
    return "simple_one_for_one";
  }
  return "unknown";
}

// A value outside an enum can only come from a cast, as from a configuration file; it is refused by name all the same.
errc check_flags(const sup_flags& f) {
  if (f.strategy < strategy::one_for_one || f.strategy > strategy::simple_one_for_one)
    return errc::invalid_strategy;
  if (f.intensity < 0)
    return errc::invalid_intensity;
  if (f.period <= milliseconds{0})
    return errc::invalid_period;
  if (f.auto_shutdown < auto_shutdown::never || f.auto_shutdown > auto_shutdown::all_significant)
    return errc::invalid_auto_shutdown;
  if (f.auto_shutdown != auto_shutdown::never && f.strategy == strategy::simple_one_for_one)
    return errc::bad_combination;
  return errc::none;
}

errc check_spec(const child_spec& s, auto_shutdown mode, bool has_start) {
  if (s.id.empty())
    return errc::missing_id;
  if (!has_start)
    return errc::missing_start;
  if (s.restart < restart_type::permanent || s.restart > restart_type::temporary)
    return errc::invalid_restart_type;
  if (s.type < child_type::worker || s.type > child_type::supervisor)
    return errc::invalid_child_type;
  if (s.shutdown)
    if (const auto* wait = std::get_if<milliseconds>(&*s.shutdown); wait && *wait < milliseconds{0})
      return errc::invalid_shutdown;
  if (s.significant && (s.restart == restart_type::permanent || mode == auto_shutdown::never))
    return errc::bad_combination;
  return errc::none;
}

errc check_childspecs(const std::vector<child_spec>& specs, std::optional<auto_shutdown> mode) {
  std::unordered_set<std::string_view> seen;
  for (const auto& s : specs) {
    // Any mode but `never` allows a significant child.
    if (const auto bad = check_spec(s, mode.value_or(auto_shutdown::any_significant)); bad != errc::none)
      return bad;
    if (!seen.insert(s.id).second)
      return errc::duplicate_child;
  }
  return errc::none;
}

errc check_specs(const sup_flags& flags, const std::vector<child_spec>& specs) {
  if (const auto bad = check_flags(flags); bad != errc::none)
    return bad;
  if (flags.strategy == strategy::simple_one_for_one && specs.size() != 1)
    return errc::bad_start_spec;
  return check_childspecs(specs, flags.auto_shutdown);
}

} // namespace lyceum::supervision
