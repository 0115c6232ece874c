using System.Buffers;
using System.Text;
using Sync.Contracts;

namespace Sync.Transport;

/// <summary>Headers of a bus message: a few pairs of name and value. Immutable. Printing it shows names only, since a value
/// may be a token.</summary>
public sealed class BusHeaders
{
    /// <summary>Most pairs of a message.</summary>
    public const int CountMax = 64;

    /// <summary>Longest value, in characters.</summary>
    public const int ValueLengthMax = 8192;

    /// <summary>W3C trace context.</summary>
    public const string TraceParent = "traceparent";

    /// <summary>Bearer token of a write.</summary>
    public const string Authorization = "Authorization";

    /// <summary>An error's number in a reply.</summary>
    public const string ErrorCode = "Nats-Service-Error-Code";

    /// <summary>An error's text in a reply.</summary>
    public const string ErrorText = "Nats-Service-Error";

    private const int NameLengthMax = 256;

    private static readonly SearchValues<char> NameCharacters = SearchValues.Create(
        "!\"#$%&'()*+,-./0123456789;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~");

    private static readonly SearchValues<char> ForbiddenInValue = SearchValues.Create("\r\n\0");

    private readonly KeyValuePair<string, string>[] _pairs;

    private BusHeaders(KeyValuePair<string, string>[] pairs) => _pairs = pairs;

    /// <summary>One pair.</summary>
    /// <param name="name">Printable ASCII without space and colon, at most 256 characters.</param>
    /// <param name="value">No CR, LF or NUL; at most 8,192 characters.</param>
    /// <exception cref="SyncException">Name or value is not allowed (<see cref="SyncErrorCode.Invalid"/>).</exception>
    public static BusHeaders Of(string name, string value)
    {
        Check(name, value);
        return new BusHeaders([new(name, value)]);
    }

    /// <summary>These and one more.</summary>
    /// <exception cref="SyncException">As <see cref="Of"/>, or there are 64 pairs already.</exception>
    public BusHeaders With(string name, string value)
    {
        Check(name, value);
        if (_pairs.Length >= CountMax) throw new SyncException(SyncErrorCode.Invalid, $"a message has at most {CountMax} headers");
        return new BusHeaders([.. _pairs, new(name, value)]);
    }

    /// <summary>First value of a name (its case counts); null when there is none.</summary>
    public string? this[string name]
    {
        get
        {
            foreach (var (key, value) in _pairs)
                if (key == name) return value;
            return null;
        }
    }

    /// <summary>All pairs in order.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Pairs => _pairs;

    /// <summary>Bytes they take in a message: they count towards <see cref="IBus.MaxPayload"/>.</summary>
    public int WireSize
    {
        get
        {
            // NATS/1.0 CRLF (name ": " value CRLF)* CRLF
            var size = 12;
            foreach (var (name, value) in _pairs) size += name.Length + Encoding.UTF8.GetByteCount(value) + 4;
            return size;
        }
    }

    /// <summary>Headers that a bus received: pairs beyond the limits are left out, nothing is thrown. Null when none remain.</summary>
    public static BusHeaders? FromReceived(IEnumerable<KeyValuePair<string, string>> pairs)
    {
        var kept = pairs.Where(pair => IsWrong(pair.Key, pair.Value) is null).Take(CountMax).ToArray();
        return kept.Length == 0 ? null : new BusHeaders(kept);
    }

    /// <summary>The names only.</summary>
    public override string ToString() => string.Join(", ", _pairs.Select(pair => pair.Key));

    private static void Check(string name, string value)
    {
        if (IsWrong(name, value) is { } wrong) throw new SyncException(SyncErrorCode.Invalid, wrong);
    }

    private static string? IsWrong(string? name, string? value)
    {
        if (name is null || name.Length is 0 or > NameLengthMax || name.AsSpan().ContainsAnyExcept(NameCharacters))
            return "a header's name is empty, too long, or holds a space, a colon or a control character";
        if (value is null || value.Length > ValueLengthMax) return $"the header {name} has more than {ValueLengthMax} characters";
        return value.AsSpan().ContainsAny(ForbiddenInValue) ? $"the header {name} holds CR, LF or NUL" : null;
    }
}
