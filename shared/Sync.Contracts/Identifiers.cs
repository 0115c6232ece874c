using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;

namespace Sync.Contracts;

/// <summary>Place of a change within its key: dense, starts at 1. 0 = known absent, -1 = unknown.</summary>
/// <param name="Value">The number, -1 or greater.</param>
public readonly record struct Sequence(long Value) : IComparable<Sequence>
{
    /// <summary>Nothing is known yet (-1).</summary>
    public static readonly Sequence Unknown = new(-1);

    /// <summary>No fact was ever committed for the key (0).</summary>
    public static readonly Sequence None = new(0);

    /// <summary>The next sequence of the same key.</summary>
    public Sequence Next => new(Value + 1);

    /// <inheritdoc/>
    public int CompareTo(Sequence other) => Value.CompareTo(other.Value);

    /// <summary>Orders two sequences of one key.</summary>
    public static bool operator <(Sequence left, Sequence right) => left.Value < right.Value;

    /// <summary>Orders two sequences of one key.</summary>
    public static bool operator >(Sequence left, Sequence right) => left.Value > right.Value;

    /// <summary>Orders two sequences of one key.</summary>
    public static bool operator <=(Sequence left, Sequence right) => left.Value <= right.Value;

    /// <summary>Orders two sequences of one key.</summary>
    public static bool operator >=(Sequence left, Sequence right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Place of a fact within its feed: dense, starts at 1, in commit order. 0 = before the first.</summary>
/// <param name="Value">The number, 0 or greater.</param>
public readonly record struct Position(long Value) : IComparable<Position>
{
    /// <summary>Before the first fact (0).</summary>
    public static readonly Position Start = new(0);

    /// <summary>The next position of the same feed.</summary>
    public Position Next => new(Value + 1);

    /// <inheritdoc/>
    public int CompareTo(Position other) => Value.CompareTo(other.Value);

    /// <summary>Orders two positions of one feed.</summary>
    public static bool operator <(Position left, Position right) => left.Value < right.Value;

    /// <summary>Orders two positions of one feed.</summary>
    public static bool operator >(Position left, Position right) => left.Value > right.Value;

    /// <summary>Orders two positions of one feed.</summary>
    public static bool operator <=(Position left, Position right) => left.Value <= right.Value;

    /// <summary>Orders two positions of one feed.</summary>
    public static bool operator >=(Position left, Position right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Number of a feed, 0 to feeds - 1.</summary>
/// <param name="Value">The number.</param>
public readonly record struct FeedId(int Value)
{
    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Identity of a ledger's history. It changes only when the history itself was replaced (a restore),
/// never by a take-over. 0 = not known.</summary>
/// <param name="Value">A positive number below 2^53, drawn at random when the ledger is created.</param>
public readonly record struct HistoryId(long Value)
{
    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Fencing number of a feed's lease: +1 at each take-over.</summary>
/// <param name="Value">The number; 0 = never leased.</param>
public readonly record struct LeaseEpoch(long Value)
{
    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Identity of a fact: a UUID of version 7.</summary>
/// <param name="Value">The UUID.</param>
public readonly record struct FactId(Guid Value)
{
    /// <summary>Length in bytes.</summary>
    public const int Size = 16;

    /// <summary>Writes the 16 bytes in big-endian order.</summary>
    /// <param name="destination">At least 16 bytes.</param>
    public void CopyTo(Span<byte> destination) => Value.TryWriteBytes(destination, bigEndian: true, out _);

    /// <summary>Reads 16 bytes in big-endian order.</summary>
    /// <param name="bytes">Exactly 16 bytes.</param>
    public static FactId FromBytes(ReadOnlySpan<byte> bytes) => new(new Guid(bytes, bigEndian: true));

    /// <summary>Reads 32 hexadecimal digits of either case, with hyphens behind the 8th, 12th, 16th and 20th. Stricter than the
    /// runtime's parser, which takes <c>+</c> and <c>0x</c> for digits.</summary>
    public static bool TryParse(string? text, out FactId id)
    {
        id = default;
        foreach (var letter in text.AsSpan())
            if (!char.IsAsciiHexDigit(letter) && letter != '-') return false;
        if (!Guid.TryParseExact(text, "D", out var value)) return false;
        id = new FactId(value);
        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D", CultureInfo.InvariantCulture);
}

/// <summary>A point in time in whole microseconds since 1970-01-01 UTC: what Postgres keeps.</summary>
/// <param name="UnixMicroseconds">Microseconds; negative before 1970.</param>
public readonly record struct Timestamp(long UnixMicroseconds) : IComparable<Timestamp>
{
    /// <summary>Truncates to whole microseconds.</summary>
    /// <param name="time">Any offset; the instant counts.</param>
    public static Timestamp From(DateTimeOffset time) =>
        new((time.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) / TimeSpan.TicksPerMicrosecond);

    /// <summary>The same instant in UTC.</summary>
    public DateTimeOffset ToDateTimeOffset() =>
        DateTimeOffset.UnixEpoch.AddTicks(UnixMicroseconds * TimeSpan.TicksPerMicrosecond);

    /// <inheritdoc/>
    public int CompareTo(Timestamp other) => UnixMicroseconds.CompareTo(other.UnixMicroseconds);

    /// <summary>Orders two instants.</summary>
    public static bool operator <(Timestamp left, Timestamp right) => left.UnixMicroseconds < right.UnixMicroseconds;

    /// <summary>Orders two instants.</summary>
    public static bool operator >(Timestamp left, Timestamp right) => left.UnixMicroseconds > right.UnixMicroseconds;

    /// <summary>Orders two instants.</summary>
    public static bool operator <=(Timestamp left, Timestamp right) => left.UnixMicroseconds <= right.UnixMicroseconds;

    /// <summary>Orders two instants.</summary>
    public static bool operator >=(Timestamp left, Timestamp right) => left.UnixMicroseconds >= right.UnixMicroseconds;

    /// <summary>RFC 3339, UTC, six fraction digits.</summary>
    public override string ToString() =>
        ToDateTimeOffset().ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
}

/// <summary>32 bytes of SHA-256, held without an allocation.</summary>
public readonly struct Hash256 : IEquatable<Hash256>
{
    [ThreadStatic]
    private static IncrementalHash? _sha256;

    private readonly ulong _a, _b, _c, _d;

    /// <summary>Length in bytes.</summary>
    public const int Size = 32;

    /// <summary>Takes over 32 bytes.</summary>
    /// <param name="bytes">Exactly 32 bytes.</param>
    /// <exception cref="ArgumentException">Another length.</exception>
    public Hash256(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size) throw new ArgumentException($"A hash has 32 bytes, not {bytes.Length}.", nameof(bytes));
        _a = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        _b = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
        _c = BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]);
        _d = BinaryPrimitives.ReadUInt64BigEndian(bytes[24..]);
    }

    /// <summary>SHA-256 of some bytes.</summary>
    /// <param name="content">Any length.</param>
    public static Hash256 Of(ReadOnlySpan<byte> content)
    {
        // Kept, a context saves a fifth of the time of a short content: the library makes and frees one for each hash.
        var sha256 = _sha256 ??= IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> hash = stackalloc byte[Size];
        sha256.AppendData(content);
        sha256.GetHashAndReset(hash);
        return new Hash256(hash);
    }

    /// <summary>True for the all-zero value, which stands for "none".</summary>
    public bool IsZero => (_a | _b | _c | _d) == 0;

    /// <summary>Writes the 32 bytes.</summary>
    /// <param name="destination">At least 32 bytes.</param>
    public void CopyTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, _a);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], _b);
        BinaryPrimitives.WriteUInt64BigEndian(destination[16..], _c);
        BinaryPrimitives.WriteUInt64BigEndian(destination[24..], _d);
    }

    /// <summary>The 32 bytes in a new array.</summary>
    public byte[] ToArray()
    {
        var bytes = new byte[Size];
        CopyTo(bytes);
        return bytes;
    }

    /// <inheritdoc/>
    public bool Equals(Hash256 other) => _a == other._a && _b == other._b && _c == other._c && _d == other._d;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Hash256 other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _a.GetHashCode();

    /// <summary>Equality of all 32 bytes.</summary>
    public static bool operator ==(Hash256 left, Hash256 right) => left.Equals(right);

    /// <summary>Inequality of any byte.</summary>
    public static bool operator !=(Hash256 left, Hash256 right) => !left.Equals(right);

    /// <summary>64 lower-case hexadecimal digits.</summary>
    public override string ToString() => Convert.ToHexStringLower(ToArray());
}
