// Attention (Vaswani et al. 2017): softmax(q kᵀ / sqrt(D)) v, where each query sees one range of keys: those up to its
// own position (causal), a prefix and those up to its own (prefix language model), or those of its own document (packed
// sequences). Heads of queries may share keys and values in groups. On the CPU head by head without the (T, S)
// matrices; elsewhere libtorch's scaled_dot_product_attention does all of it.
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <cmath>
#include <limits>

#include "attention-rows.h"
#include "gemm.h"

#if __has_include(<ATen/ops/scaled_dot_product_attention.h>)
#define TUNAN_HAS_SDPA 1
#include <ATen/ops/scaled_dot_product_attention.h>
#endif

namespace tunan {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using OptionalTensor = c10::optional<at::Tensor>;

// Fewer queries do not pay for turning the keys.
constexpr int64_t kFewQueries = 4;

// Which keys each query sees, int32 (B or 1, T).
struct Ranges {
  at::Tensor first, last;
};

Ranges causalRanges(int64_t T, int64_t S) {
  const auto options = at::TensorOptions().dtype(at::kInt);
  return {at::zeros({1, T}, options), at::arange(S - T + 1, S + 1, options).view({1, T})};
}

Ranges checkedRanges(const OptionalTensor& first, const OptionalTensor& last, int64_t B, int64_t T, int64_t S,
                     at::Device device) {
  Ranges ranges = causalRanges(T, S);
  const auto check = [&](const at::Tensor& given, const char* name) {
    TORCH_CHECK(given.dim() == 2 && given.size(0) == B && given.size(1) == T && given.scalar_type() == at::kLong,
                "attention: ", name, " must be int64 of shape (", B, ", ", T, "), got ", given.scalar_type(), " ",
                given.sizes());
    TORCH_CHECK(given.device() == device, "attention: ", name, " must be on the device of the inputs");
    return given.clamp(0, S).to(at::kInt).contiguous();
  };
  if (first.has_value()) ranges.first = check(*first, "first");
  if (last.has_value()) ranges.last = check(*last, "last");
  return ranges;
}

bool isRowMajor(const at::Tensor& heads) { return heads.size(3) <= 1 || heads.stride(3) == 1; }

// Head h of row b of heads (B, T, H, D).
template <typename Stored>
HeadRows<Stored> rowsOf(const at::Tensor& heads, int64_t b, int64_t h) {
  using Element = std::remove_const_t<Stored>;
  return {static_cast<Element*>(heads.data_ptr()) + b * heads.stride(0) + h * heads.stride(2), heads.stride(1)};
}

// The heads from h on.
template <typename Stored>
HeadStack<Stored> stackOf(const at::Tensor& heads, int64_t b, int64_t h) {
  const HeadRows<Stored> first = rowsOf<Stored>(heads, b, h);
  return {first.data, heads.stride(2), first.stride};
}

AttentionShape shapeOf(const at::Tensor& q, const at::Tensor& k, const Ranges& ranges, int64_t b) {
  const int64_t T = q.size(1);
  const int32_t* first = ranges.first.data_ptr<int32_t>() + (ranges.first.size(0) == 1 ? 0 : b * T);
  const int32_t* last = ranges.last.data_ptr<int32_t>() + (ranges.last.size(0) == 1 ? 0 : b * T);
  return {T, k.size(1), q.size(3), 1.0 / std::sqrt(double(q.size(3))), first, last};
}

bool byTiles(const at::Tensor& q) { return q.scalar_type() == at::kBFloat16 && hasFastProducts(); }

at::Tensor scratchBytes(int64_t bytes) { return at::empty({bytes + 64}, at::kByte); }
template <typename Element>
Element* alignedData(const at::Tensor& scratch) {
  return reinterpret_cast<Element*>((reinterpret_cast<uintptr_t>(scratch.data_ptr()) + 63) / 64 * 64);
}

// How many heads of q (B, T, H, D) share a head of k (B, S, Hkv, D).
int64_t groupOf(const at::Tensor& q, const at::Tensor& k) { return q.size(2) / k.size(2); }

// Calls body(b, h, count, scratch) for runs of heads h … h + count - 1 that share keys, in parallel; each thread's runs
// have its own scratch memory. Groups stay `whole`, or a run may be a part of one.
template <typename Body>
void forHeads(const at::Tensor& q, const at::Tensor& k, bool whole, int64_t bytes, Body&& body) {
  const int64_t H = q.size(2), group = groupOf(q, k), unit = whole ? group : 1;
  at::parallel_for(0, q.size(0) * H / unit, 1, [&](int64_t begin, int64_t end) {
    const at::Tensor scratch = scratchBytes(bytes);
    int64_t count = 0;
    for (int64_t i = begin * unit; i < end * unit; i += count) {
      count = std::min(end * unit - i, group - i % group);
      body(i / H, i % H, count, alignedData<char>(scratch));
    }
  });
}

at::ScalarType wideType(at::ScalarType dtype) { return dtype == at::kDouble ? at::kDouble : at::kFloat; }

// q (B, T, H, D), k and v (B, S, Hkv, D) of any strides with rows in one piece → `out` like q; returns the log sums (B,
// H, T).
at::Tensor attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Ranges& ranges,
                  const at::Tensor& out) {
  const int64_t T = q.size(1), H = q.size(2);
  const at::Tensor logSums = at::empty({q.size(0), H, T}, q.options().dtype(wideType(q.scalar_type())));
  if (q.numel() == 0) return logSums;
  const AttentionShape any = shapeOf(q, k, ranges, 0);
  const auto headsOf = [&](auto stored, auto real, int64_t b, int64_t h, int64_t count) {
    using Stored = decltype(stored);
    using Real = decltype(real);
    const int64_t shared = h / groupOf(q, k);
    return AttentionHeads<Stored, Real>{count,
                                        stackOf<const Stored>(q, b, h),
                                        rowsOf<const Stored>(k, b, shared),
                                        rowsOf<const Stored>(v, b, shared),
                                        stackOf<Stored>(out, b, h),
                                        logSums.data_ptr<Real>() + (b * H + h) * T};
  };
  if (byTiles(q) && T > kFewQueries) {
    forHeads(q, k, false, tileScratchBytes(any), [&](int64_t b, int64_t h, int64_t count, char* scratch) {
      attendTiles(shapeOf(q, k, ranges, b), headsOf(uint16_t{}, float{}, b, h, count), scratch);
    });
    return logSums;
  }
  dispatchStored(q.scalar_type(), "attention", [&](auto stored) {
    using Real = WideOf<decltype(stored)>;
    const int64_t elements = T > kFewQueries ? rowScratchElements<Real>(any, false) : any.S + 2 * any.D;
    forHeads(q, k, false, elements * int64_t(sizeof(Real)), [&](int64_t b, int64_t h, int64_t count, char* scratch) {
      const auto heads = headsOf(stored, Real{}, b, h, count);
      if (T > kFewQueries) {
        vectorisedByWidth<AttendHeads>(shapeOf(q, k, ranges, b), heads, reinterpret_cast<Real*>(scratch));
      } else {
        vectorised<AttendFew>(shapeOf(q, k, ranges, b), heads, reinterpret_cast<Real*>(scratch));
      }
    });
  });
  return logSums;
}

struct Gradients {
  at::Tensor q, k, v;
};

// Writes into the three tensors of `to`, of any strides with rows in one piece.
void attendBackward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Ranges& ranges,
                    const at::Tensor& out, const at::Tensor& logSums, const at::Tensor& dOut, const Gradients& to) {
  const int64_t T = q.size(1), H = q.size(2);
  if (q.numel() == 0) {
    for (const at::Tensor& gradient : {to.q, to.k, to.v}) gradient.zero_();
    return;
  }
  const AttentionShape any = shapeOf(q, k, ranges, 0);
  const auto headsOf = [&](auto stored, auto real, int64_t b, int64_t h, int64_t count) {
    using Stored = decltype(stored);
    using Real = decltype(real);
    const int64_t shared = h / groupOf(q, k);
    return AttentionHeadsBackward<Stored, Real>{count,
                                                stackOf<const Stored>(q, b, h),
                                                rowsOf<const Stored>(k, b, shared),
                                                rowsOf<const Stored>(v, b, shared),
                                                stackOf<const Stored>(out, b, h),
                                                stackOf<const Stored>(dOut, b, h),
                                                logSums.data_ptr<Real>() + (b * H + h) * T,
                                                stackOf<Stored>(to.q, b, h),
                                                rowsOf<Stored>(to.k, b, shared),
                                                rowsOf<Stored>(to.v, b, shared)};
  };
  if (byTiles(q)) {
    const int64_t bytes = tileBackwardScratchBytes(any, groupOf(q, k));
    forHeads(q, k, true, bytes, [&](int64_t b, int64_t h, int64_t count, char* scratch) {
      attendTilesBackward(shapeOf(q, k, ranges, b), headsOf(uint16_t{}, float{}, b, h, count), scratch);
    });
    return;
  }
  dispatchStored(q.scalar_type(), "attention", [&](auto stored) {
    using Real = WideOf<decltype(stored)>;
    const int64_t bytes = rowScratchElements<Real>(any, true) * int64_t(sizeof(Real));
    forHeads(q, k, true, bytes, [&](int64_t b, int64_t h, int64_t count, char* scratch) {
      vectorisedByWidth<AttendHeadsBackward>(shapeOf(q, k, ranges, b), headsOf(stored, Real{}, b, h, count),
                                             reinterpret_cast<Real*>(scratch));
    });
  });
}

at::Tensor rowMajor(const at::Tensor& heads) { return isRowMajor(heads) ? heads : heads.contiguous(); }

class Attention : public torch::autograd::Function<Attention> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& query, const at::Tensor& key,
                            const at::Tensor& value, const at::Tensor& first, const at::Tensor& last) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const at::Tensor q = rowMajor(query), k = rowMajor(key), v = rowMajor(value);
    const at::Tensor out = at::empty(q.sizes(), q.options());
    const at::Tensor logSums = attend(q, k, v, {first, last}, out);
    context->save_for_backward({q, k, v, first, last, out, logSums});
    return out;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto saved = context->get_saved_variables();
    const at::Tensor &q = saved[0], &k = saved[1], &v = saved[2];
    const Gradients to{at::empty(q.sizes(), q.options()), at::empty(k.sizes(), k.options()),
                       at::empty(v.sizes(), v.options())};
    attendBackward(q, k, v, {saved[3], saved[4]}, saved[5], saved[6], rowMajor(gradients[0].to(q.scalar_type())), to);
    return {to.q, to.k, to.v, at::Tensor(), at::Tensor()};
  }
};

// Queries, keys or values (B, T, H, D) inside joint projections (B, T, parts C).
at::Tensor headsOf(const at::Tensor& joint, int64_t parts, int64_t part, int64_t H) {
  const int64_t B = joint.size(0), T = joint.size(1), C = joint.size(2) / parts;
  return joint.narrow(2, part * C, C).view({B, T, H, C / H});
}

// attention() of joint projections: its gradients are written into the joint one.
class SelfAttention : public torch::autograd::Function<SelfAttention> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input, int64_t H, const at::Tensor& first,
                            const at::Tensor& last) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const at::Tensor joint = input.contiguous();
    const at::Tensor out = at::empty({joint.size(0), joint.size(1), joint.size(2) / 3}, joint.options());
    const at::Tensor logSums = attend(headsOf(joint, 3, 0, H), headsOf(joint, 3, 1, H), headsOf(joint, 3, 2, H),
                                      {first, last}, headsOf(out, 1, 0, H));
    context->save_for_backward({joint, first, last, out, logSums});
    context->saved_data["H"] = H;
    return out;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto saved = context->get_saved_variables();
    const at::Tensor &joint = saved[0], &out = saved[3];
    const int64_t H = context->saved_data["H"].toInt();
    const at::Tensor dy = gradients[0].to(joint.scalar_type()).contiguous();
    const at::Tensor dJoint = at::empty(joint.sizes(), joint.options());
    attendBackward(headsOf(joint, 3, 0, H), headsOf(joint, 3, 1, H), headsOf(joint, 3, 2, H), {saved[1], saved[2]},
                   headsOf(out, 1, 0, H), saved[4], headsOf(dy, 1, 0, H),
                   {headsOf(dJoint, 3, 0, H), headsOf(dJoint, 3, 1, H), headsOf(dJoint, 3, 2, H)});
    return {dJoint, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

// Heads (B, S, Hkv, D) → (B, Hkv group, S, D), each `group` times.
at::Tensor repeated(const at::Tensor& heads, int64_t group) {
  const at::Tensor first = heads.transpose(1, 2);
  return group == 1 ? first : first.repeat_interleave(group, 1);
}

// The same on another device, by libtorch. first and last (B, T), where given.
at::Tensor attendElsewhere(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                           const OptionalTensor& first, const OptionalTensor& last) {
  const int64_t T = query.size(1), S = key.size(1), group = key.size(2) == 0 ? 1 : groupOf(query, key);
  const at::Tensor q = query.transpose(1, 2), k = repeated(key, group), v = repeated(value, group);
#ifdef TUNAN_HAS_SDPA
  const bool causal = !first.has_value() && !last.has_value();
  if (causal && T == S) return at::scaled_dot_product_attention(q, k, v, {}, 0.0, true).transpose(1, 2);
  if (causal && T == 1) return at::scaled_dot_product_attention(q, k, v, {}, 0.0, false).transpose(1, 2);
#endif
  const auto options = q.options().dtype(at::kLong);
  const at::Tensor keys = at::arange(S, options);
  const at::Tensor until = last.has_value() ? last->unsqueeze(-1) : at::arange(S - T + 1, S + 1, options).unsqueeze(-1);
  at::Tensor seen = keys.lt(until);  // (T, S) or (B, T, S)
  if (first.has_value()) seen = seen.logical_and(keys.ge(first->unsqueeze(-1)));
  if (seen.dim() == 3) seen = seen.unsqueeze(1);
#ifdef TUNAN_HAS_SDPA
  return at::scaled_dot_product_attention(q, k, v, seen, 0.0, false).transpose(1, 2);
#else
  const at::Tensor scores = at::matmul(q, k.transpose(2, 3)) * (1.0 / std::sqrt(double(q.size(3))));
  const at::Tensor shares =
      scores.masked_fill(seen.logical_not(), -std::numeric_limits<double>::infinity()).softmax(-1);
  return at::matmul(shares, v).transpose(1, 2);
#endif
}

at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const OptionalTensor& first,
                     const OptionalTensor& last) {
  TORCH_CHECK(q.dim() == 4 && k.dim() == 4 && v.dim() == 4,
              "attention expects q (B, T, H, D), k and v (B, S, Hkv, D), got ", q.sizes(), ", ", k.sizes(), " and ",
              v.sizes());
  TORCH_CHECK(q.size(0) == k.size(0) && q.size(3) == k.size(3) && k.sizes() == v.sizes(), "attention: q ", q.sizes(),
              ", k ", k.sizes(), " and v ", v.sizes(), " do not fit");
  const int64_t T = q.size(1), H = q.size(2), S = k.size(1), Hkv = k.size(2);
  TORCH_CHECK(H == Hkv || (Hkv > 0 && H % Hkv == 0), "attention: ", H, " heads of queries cannot share ", Hkv,
              " heads of keys; their number must be a multiple of it");
  TORCH_CHECK(T <= S, "attention: more queries (", T, ") than keys (", S, ")");
  TORCH_CHECK(q.scalar_type() == k.scalar_type() && q.scalar_type() == v.scalar_type(),
              "attention: q, k and v must have one dtype");
  TORCH_CHECK(q.device() == k.device() && q.device() == v.device(), "attention: q, k and v must be on one device");
  const Ranges ranges = checkedRanges(first, last, q.size(0), T, S, q.device());
  return q.is_cpu() ? Attention::apply(q, k, v, ranges.first, ranges.last) : attendElsewhere(q, k, v, first, last);
}

at::Tensor selfAttention(const at::Tensor& joint, int64_t heads, const OptionalTensor& first,
                         const OptionalTensor& last) {
  TORCH_CHECK(joint.dim() == 3 && heads > 0 && joint.size(2) % (3 * heads) == 0,
              "self_attention expects (B, T, 3 C) with C a multiple of the ", heads, " heads, got ", joint.sizes());
  const int64_t B = joint.size(0), T = joint.size(1), C = joint.size(2) / 3;
  const Ranges ranges = checkedRanges(first, last, B, T, T, joint.device());
  if (joint.is_cpu()) return SelfAttention::apply(joint, heads, ranges.first, ranges.last);
  const at::Tensor parts = joint.view({B, T, 3, heads, C / heads});
  return attendElsewhere(parts.select(2, 0), parts.select(2, 1), parts.select(2, 2), first, last).reshape({B, T, C});
}

TORCH_LIBRARY_FRAGMENT(tunan, library) {
  library.def("attention(Tensor q, Tensor k, Tensor v, Tensor? first=None, Tensor? last=None) -> Tensor");
  library.def("self_attention(Tensor joint, int heads, Tensor? first=None, Tensor? last=None) -> Tensor");
}

TORCH_LIBRARY_IMPL(tunan, CompositeImplicitAutograd, library) {
  library.impl("attention", attention);
  library.impl("self_attention", selfAttention);
}

}  // namespace
}  // namespace tunan
