using System.Text;

namespace Sync.MessagePack;

/// <summary>The keys of one message's map, in the order in which they are written. Immutable.</summary>
internal sealed class FieldNames
{
    private readonly byte[][] _utf8;
    private readonly string[] _names;

    /// <param name="message">What the map is called in errors.</param>
    /// <param name="names">ASCII, at most 64.</param>
    public FieldNames(string message, params string[] names)
    {
        Message = message;
        _names = names;
        _utf8 = Array.ConvertAll(names, Encoding.UTF8.GetBytes);
    }

    public string Message { get; }

    public int Count => _utf8.Length;

    public ReadOnlySpan<byte> this[int field] => _utf8[field];

    public string NameOf(int field) => _names[field];

    /// <summary>The field of a key, or -1.</summary>
    /// <param name="key">The key as it came.</param>
    /// <param name="expected">Tried first: most messages keep the writer's order.</param>
    public int Find(ReadOnlySpan<byte> key, int expected)
    {
        var utf8 = _utf8;
        if ((uint)expected < (uint)utf8.Length && key.SequenceEqual(utf8[expected])) return expected;
        for (var field = 0; field < utf8.Length; field++)
            if (utf8[field].Length == key.Length && key.SequenceEqual(utf8[field])) return field;
        return -1;
    }

    /// <summary>An error of this message, with the field that it was in.</summary>
    /// <param name="error">The error.</param>
    /// <param name="field">The field; -1 when it was in none.</param>
    public string Describe(in MsgPackError error, int field) =>
        field < 0 ? $"{Message}: {error}" : $"{Message}, '{_names[field]}': {error}";
}
