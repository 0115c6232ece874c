namespace Sync.Replication;

/// <summary>Numbers for the few texts that many records share: schema versions, producers. Bounded: what comes when it
/// is full reads as null.</summary>
internal sealed class TextTable
{
    private readonly Dictionary<string, ushort> _numbers = new(StringComparer.Ordinal);
    private readonly List<string?> _texts = [null];
    private string? _last; // most records have the text of the one before
    private ushort _lastNumber;

    public string? this[ushort number] => _texts[number];

    public ushort NumberOf(string? text)
    {
        if (text == _last) return _lastNumber;
        if (text is null) return 0;
        if (!_numbers.TryGetValue(text, out var number))
        {
            if (_texts.Count > ushort.MaxValue) return 0;
            number = (ushort)_texts.Count;
            _texts.Add(text);
            _numbers.Add(text, number);
        }
        (_last, _lastNumber) = (text, number);
        return number;
    }
}
