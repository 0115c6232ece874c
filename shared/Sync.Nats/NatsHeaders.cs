using System.Buffers;
using System.Collections;
using System.Globalization;
using System.Text;

namespace Sync.Nats;

/// <summary>
/// Headers of a message: pairs in order, names case-sensitive, a name may occur more than once. Values are trimmed.
/// Not safe for use from several threads while it is being changed.
/// </summary>
public sealed class NatsHeaders : IEnumerable<KeyValuePair<string, string>>
{
    private const int PairsMax = 1024;
    private static readonly SearchValues<char> NameChars =
        SearchValues.Create(Enumerable.Range(0x21, 0x7F - 0x21).Select(c => (char)c).Where(c => c != ':').ToArray());

    private static readonly SearchValues<char> ForbiddenInValue = SearchValues.Create("\r\n\0");
    private readonly List<KeyValuePair<string, string>> _pairs = [];

    /// <summary>Number of pairs.</summary>
    public int Count => _pairs.Count;

    /// <summary>Status of a message that the server made itself (503 = no responders); 0 for ordinary
    /// messages.</summary>
    public int Status { get; init; }

    /// <summary>First value under the name, or null. Setting replaces all values of the name.</summary>
    /// <param name="name">Header name.</param>
    public string? this[string name]
    {
        get => TryGetValue(name, out var value) ? value : null;
        set
        {
            Remove(name);
            if (value is not null)
                Add(name, value);
        }
    }

    internal int EncodedLength { get; private set; } = Prefix.Length + 2;

    private static ReadOnlySpan<byte> Prefix => "NATS/1.0\r\n"u8;

    /// <summary>Adds a pair.</summary>
    /// <param name="name">Printable ASCII without space and colon, 1 to 256 characters.</param>
    /// <param name="value">Anything without CR, LF and NUL.</param>
    /// <exception cref="NatsException">Name or value is not allowed, or there are 1,024 pairs already.</exception>
    public void Add(string name, string value)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(value);
        if (!IsName(name))
            throw new NatsException(NatsError.InvalidName,
                "Header name is empty, too long, or holds a space, a colon or a control character");
        if (value.AsSpan().ContainsAny(ForbiddenInValue))
            throw new NatsException(NatsError.InvalidName, $"Header value of '{name}' holds CR, LF or NUL");
        if (_pairs.Count >= PairsMax)
            throw new NatsException(NatsError.LimitReached, $"A message has at most {PairsMax} headers");
        _pairs.Add(new(name, value));
        EncodedLength += name.Length + Encoding.UTF8.GetByteCount(value) + 4;
    }

    /// <summary>Removes all pairs of the name.</summary>
    /// <param name="name">Header name.</param>
    /// <returns>True if there was one.</returns>
    public bool Remove(string name)
    {
        var removed = 0;
        for (var i = _pairs.Count - 1; i >= 0; i--)
        {
            if (!string.Equals(_pairs[i].Key, name, StringComparison.Ordinal))
                continue;
            EncodedLength -= name.Length + Encoding.UTF8.GetByteCount(_pairs[i].Value) + 4;
            _pairs.RemoveAt(i);
            removed++;
        }

        return removed > 0;
    }

    /// <summary>First value under the name.</summary>
    /// <param name="name">Header name, case-sensitive.</param>
    /// <param name="value">The value, or empty.</param>
    /// <returns>True if there is one.</returns>
    public bool TryGetValue(string name, out string value)
    {
        foreach (var pair in _pairs)
        {
            if (string.Equals(pair.Key, name, StringComparison.Ordinal))
            {
                value = pair.Value;
                return true;
            }
        }

        value = "";
        return false;
    }

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, string>> GetEnumerator() => _pairs.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Names only: values may be tokens.</summary>
    /// <returns>Text without secrets.</returns>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture,
            $"NatsHeaders {{ {string.Join(", ", _pairs.Select(p => p.Key))} }}");

    // NATS/1.0 CRLF (name ": " value CRLF)* CRLF. The names and values were checked when they were added.
    internal int WriteTo(Span<byte> destination)
    {
        Prefix.CopyTo(destination);
        var at = Prefix.Length;
        foreach (var (name, value) in _pairs)
        {
            at += Encoding.UTF8.GetBytes(name, destination[at..]);
            ": "u8.CopyTo(destination[at..]);
            at += 2;
            at += Encoding.UTF8.GetBytes(value, destination[at..]);
            "\r\n"u8.CopyTo(destination[at..]);
            at += 2;
        }

        "\r\n"u8.CopyTo(destination[at..]);
        return at + 2;
    }

    // Held to the same rules, so that headers which are passed on say no more than what was received.
    internal void AddReceived(string name, string value)
    {
        if (_pairs.Count >= PairsMax || !IsName(name) || value.AsSpan().ContainsAny(ForbiddenInValue))
            return;
        _pairs.Add(new(name, value));
        EncodedLength += name.Length + Encoding.UTF8.GetByteCount(value) + 4;
    }

    private static bool IsName(string name) =>
        name.Length is > 0 and <= 256 && !name.AsSpan().ContainsAnyExcept(NameChars);
}
