using System.Runtime.CompilerServices;
using System.Text.Unicode;

namespace Sync.MessagePack;

/// <summary>Walks the map of a message: finds the field of each key, refuses a key that comes twice, skips keys it does not
/// know (so that fields can be added). Errors are the reader's.</summary>
internal struct MapCursor
{
    private readonly FieldNames _names;
    private readonly int _start;
    private int _left;
    private int _unknown;
    private ulong _seen;

    private MapCursor(FieldNames names, int start, int count)
    {
        (_names, _start, _left) = (names, start, count);
        Field = -1;
    }

    /// <summary>The field whose value is read now; -1 between fields.</summary>
    public int Field { get; private set; }

    public readonly bool Has(int field) => (_seen & 1UL << field) != 0;

    public static bool TryBegin(ref MsgPackReader reader, FieldNames names, out MapCursor cursor)
    {
        var start = reader.Offset;
        var ok = reader.TryReadMapHeader(out var count);
        cursor = new MapCursor(names, start, count);
        return ok;
    }

    /// <summary>Goes to the next known field; its value must be read then.</summary>
    /// <returns>False at the end of the map, and on an error.</returns>
    public bool TryNext(ref MsgPackReader reader, out int field)
    {
        var expected = Field + 1;
        while (_left > 0)
        {
            (field, Field) = (-1, -1);
            _left--;
            // Most messages keep the writer's order: the key of the next field, or of one a little behind, is there as a whole.
            for (var likely = expected; likely < expected + 3; likely++)
                if (!Has(likely) && reader.TryTake(_names.Packed(likely))) return Found(field = likely);
            var start = reader.Offset;
            if (!reader.TryReadUncheckedString(out var key)) return false;
            field = _names.Find(key);
            if (field >= 0) return Has(field) ? reader.FailAt("duplicate key", start) : Found(field);
            _unknown++;
            if (!Utf8.IsValid(key)) return reader.FailAt("invalid UTF-8", start);
            if (!reader.TrySkip()) return false;
        }
        (field, Field) = (-1, -1);
        // One unknown key cannot be there twice; with more, the keys are looked through once again.
        if (_unknown > 1) RefuseDuplicates(reader.Bytes[_start..reader.Offset], ref reader);
        return false;
    }

    private bool Found(int field)
    {
        _seen |= 1UL << field;
        Field = field;
        return true;
    }

    /// <summary>Checks that a required field was there.</summary>
    public readonly bool TryRequire(ref MsgPackReader reader, int field) =>
        Has(field) || reader.FailAt($"'{_names.NameOf(field)}' is missing", _start);

    public readonly string Describe(in MsgPackError error) => _names.Describe(error, Field);

    [SkipLocalsInit]
    private readonly void RefuseDuplicates(ReadOnlySpan<byte> map, ref MsgPackReader reader)
    {
        Span<MapKey> initial = stackalloc MapKey[KeyGuard.InitialCount];
        var keys = new KeyGuard(initial, MsgPackLimits.Default.MapKeysMax);
        var again = new MsgPackReader(map);
        again.TryReadMapHeader(out var count);
        for (; count > 0 && again.TryReadToken(out var token); count--)
        {
            if (!keys.TryAdd(MapKey.Of(token, map))) again.Fail("too many map keys");
            again.TrySkip();
        }
        if (!again.Error.IsNone) reader.FailAt(again.Error.What!, _start + again.Error.Offset);
        else if (!keys.TryClose(0, map, out var duplicate)) reader.FailAt("duplicate key", _start + duplicate.Offset);
        keys.Dispose();
    }
}
