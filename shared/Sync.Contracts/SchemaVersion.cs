using System.Text.RegularExpressions;

namespace Sync.Contracts;

/// <summary>Version of the model that a value was written against, <c>"major.minor"</c>. Another major is another
/// shape; another minor is compatible. Whatever text came over the wire is kept as it is.</summary>
/// <param name="Text">The text; null = the envelope carried none.</param>
public readonly partial record struct SchemaVersion(string? Text)
{
    /// <summary>What a write gets that names no version.</summary>
    public static readonly SchemaVersion Default = new("1.0");

    /// <summary>True when the text is <c>^\d{1,9}\.\d{1,9}$</c>: what the writer accepts.</summary>
    public bool IsWellFormed => Text is not null && WellFormed().IsMatch(Text);

    /// <summary>The major, when the text begins with digits and a dot (<c>^\d+\.</c>): what the schema-major gate
    /// compares. Leading zeros do not count.</summary>
    /// <param name="major">The digits without leading zeros; empty when there is no major.</param>
    /// <returns>False switches the gate off for the envelope.</returns>
    public bool TryGetMajor(out ReadOnlySpan<char> major)
    {
        major = default;
        if (Text is null) return false;
        var dot = Text.AsSpan().IndexOf('.');
        if (dot < 1 || Text.AsSpan(0, dot).ContainsAnyExceptInRange('0', '9')) return false;
        major = Text.AsSpan(0, dot).TrimStart('0');
        return true;
    }

    /// <summary>True unless both majors are well-formed and differ.</summary>
    /// <param name="other">The version to compare with.</param>
    public bool AllowsMajorOf(SchemaVersion other) =>
        !TryGetMajor(out var mine) || !other.TryGetMajor(out var theirs) || mine.SequenceEqual(theirs);

    /// <inheritdoc/>
    public override string ToString() => Text ?? "";

    [GeneratedRegex(@"^[0-9]{1,9}\.[0-9]{1,9}\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex WellFormed();
}
