// Functions of libtorch that tch does not expose.

#include <ATen/Context.h>
#include <ATen/Version.h>
#include <ATen/record_function.h>

#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace {

// Operators under way on this thread: whether each called others, whose work it then is.
thread_local std::vector<bool> calls_others;

std::mutex counts_lock;
std::map<std::string, long long> counts;
at::CallbackHandle counting = 0;
std::string listed;

std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction&) {
  if (!calls_others.empty()) calls_others.back() = true;
  calls_others.push_back(false);
  return nullptr;
}

void end(const at::RecordFunction& function, at::ObserverContext*) {
  if (calls_others.empty()) return;
  const bool leaf = !calls_others.back();
  calls_others.pop_back();
  if (!leaf) return;
  const std::lock_guard<std::mutex> guard(counts_lock);
  counts[function.name()] += 1;
}

}  // namespace

extern "C" {

// Whether cuDNN and cuBLAS may round float32 to TF32. cuDNN's convolutions do by libtorch's default.
// Returns 0, or 1 where libtorch refuses.
int fer_lab_allow_tf32(int allowed) {
  try {
    at::globalContext().setAllowTF32CuDNN(allowed != 0);
    at::globalContext().setAllowTF32CuBLAS(allowed != 0);
    return 0;
  } catch (...) {
    return 1;
  }
}

// How the library that is loaded was built: lines of settings, its version among them. The text stays.
const char* fer_lab_configuration() {
  static const std::string configuration = at::show_config();
  return configuration.c_str();
}

// Counts operators that call no others, from now on.
void fer_lab_begin_counting() {
  counts.clear();
  counting = at::addGlobalCallback(
      at::RecordFunctionCallback(begin, end).scopes({at::RecordScope::FUNCTION}));
}

// Ends the count: lines of a name, a space and a number, which stay until the next count ends.
const char* fer_lab_end_counting() {
  at::removeCallback(counting);
  const std::lock_guard<std::mutex> guard(counts_lock);
  listed.clear();
  for (const auto& [name, count] : counts) listed += name + " " + std::to_string(count) + "\n";
  return listed.c_str();
}
}
