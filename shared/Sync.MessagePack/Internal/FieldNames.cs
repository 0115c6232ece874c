using System.Text;

namespace Sync.MessagePack;

/// <summary>The keys of one message's map, in the order in which they are written. Immutable.</summary>
internal sealed class FieldNames
{
    private readonly byte[][] _utf8;
    private readonly byte[][] _packed;
    private readonly string[] _names;

    /// <param name="message">What the map is called in errors.</param>
    /// <param name="names">At most 64, each at most 31 ASCII characters.</param>
    public FieldNames(string message, params string[] names)
    {
        Message = message;
        _names = names;
        _utf8 = Array.ConvertAll(names, Encoding.UTF8.GetBytes);
        _packed = Array.ConvertAll(_utf8, name => (byte[])[(byte)(0xa0 | name.Length), .. name]);
    }

    public string Message { get; }

    public int Count => _utf8.Length;

    public ReadOnlySpan<byte> this[int field] => _utf8[field];

    public string NameOf(int field) => _names[field];

    /// <summary>The key of a field as our writer packs it; empty past the last field.</summary>
    public ReadOnlySpan<byte> Packed(int field) => (uint)field < (uint)_packed.Length ? _packed[field] : default;

    /// <summary>The field of a key, or -1.</summary>
    public int Find(ReadOnlySpan<byte> key)
    {
        var utf8 = _utf8;
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
