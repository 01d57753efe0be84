// The activations of train/activations.py: z becomes f(z), and f'(z) stands beside it.

struct Identity {
    INLINE Identity(const float*) {}
    INLINE void operator()(Vector&, Vector& slope) const { slope = all(1.0f); }
};

struct Sigmoid {
    float steepness;
    INLINE Sigmoid(const float* parameters) : steepness(parameters[0]) {}
    INLINE void operator()(Vector& z, Vector& slope) const {
        z = sigmoid(steepness * z);
        slope = steepness * (z * (1.0f - z));
    }
};

struct Tanh {
    INLINE Tanh(const float*) {}
    INLINE void operator()(Vector& z, Vector& slope) const {
        z = tanh(z);
        slope = 1.0f - z * z;
    }
};

struct LecunTanh {
    INLINE LecunTanh(const float*) {}
    INLINE void operator()(Vector& z, Vector& slope) const {
        const Vector t = tanh(z * float(2.0 / 3.0));
        z = 1.7159f * t;
        slope = float(1.7159 * 2 / 3) * (1.0f - t * t);
    }
};

struct Hardtanh {
    INLINE Hardtanh(const float*) {}
    INLINE void operator()(Vector& z, Vector& slope) const {
        slope = ((z > -1.0f) & (z < 1.0f)) ? all(1.0f) : all(0.0f);
        z = bounded(z, all(-1.0f), all(1.0f));
    }
};

struct Softsign {
    INLINE Softsign(const float*) {}
    INLINE void operator()(Vector& z, Vector& slope) const {
        const Vector divisor = 1.0f + magnitude(z);
        z = z / divisor;
        slope = 1.0f / (divisor * divisor);
    }
};

struct Relu {
    INLINE Relu(const float*) {}
    INLINE void operator()(Vector& z, Vector& slope) const {
        slope = z > 0.0f ? all(1.0f) : all(0.0f);
        z = z <= 0.0f ? all(0.0f) : z;
    }
};

struct LeakyRelu {
    float below;
    INLINE LeakyRelu(const float* parameters) : below(parameters[0]) {}
    INLINE void operator()(Vector& z, Vector& slope) const {
        slope = z > 0.0f ? all(1.0f) : all(below);
        z = z * slope;
    }
};

struct Elu {
    float alpha;
    INLINE Elu(const float* parameters) : alpha(parameters[0]) {}
    INLINE void operator()(Vector& z, Vector& slope) const {
        const Vector below = alpha * expm1(z > 0.0f ? all(0.0f) : z);
        slope = z > 0.0f ? all(1.0f) : below + alpha;
        z = z > 0.0f ? z : below;
    }
};

struct Selu {
    Elu elu;
    INLINE Selu(const float*) : elu(&alpha) {}
    INLINE void operator()(Vector& z, Vector& slope) const {
        elu(z, slope);
        z *= scale;
        slope *= scale;
    }
    static constexpr float alpha = 1.6732632423543772f, scale = 1.0507009873554805f;
};

// Phi(-|z|) = phi(z) · Mills' ratio, the latter a polynomial in 1 / (1 + 0.3 |z|), fitted at Chebyshev nodes.
struct Gelu {
    INLINE Gelu(const float*) {}
    INLINE void operator()(Vector& z, Vector& slope) const {
        const Vector density = 0.3989422804014327f * exp(-0.5f * z * z);
        const Vector t = 1.0f / (1.0f + 0.3f * magnitude(z));
        Vector ratio = t * 9.2325903475e-2f - 4.0592625737e-1f;
        ratio = ratio * t + 5.3738480806e-1f;
        ratio = ratio * t - 1.5288127959e-1f;
        ratio = ratio * t + 3.3193656802e-1f;
        ratio = ratio * t + 2.4744382501e-1f;
        ratio = ratio * t + 3.0320817232e-1f;
        ratio = ratio * t + 2.9982107878e-1f;
        ratio = ratio * t + 1.3504580921e-6f;
        const Vector tail = density * ratio;
        const Vector below = z < 0.0f ? tail : 1.0f - tail;
        slope = below + z * density;
        z = z * below;
    }
};

struct Silu {
    INLINE Silu(const float*) {}
    INLINE void operator()(Vector& z, Vector& slope) const {
        const Vector s = sigmoid(z);
        z = z * s;
        slope = s + z * (1.0f - s);
    }
};
