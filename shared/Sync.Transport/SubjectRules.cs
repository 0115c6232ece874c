using System.Buffers;

namespace Sync.Transport;

/// <summary>What a bus takes as a subject. A byte that NATS gives a meaning could turn one message into two, so both
/// buses refuse it at the door, whoever built the subject.</summary>
public static class SubjectRules
{
    /// <summary>Longest subject, in characters: below the broker's default limit of a control line.</summary>
    public const int LengthMax = 3072;

    private static readonly SearchValues<char> Allowed = SearchValues.Create(
        "!\"#$%&'()+,-./0123456789:;<=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~");

    private static readonly SearchValues<char> AllowedInFilter = SearchValues.Create(
        "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~");

    /// <summary>Checks a subject to publish on: printable ASCII, no wildcards, no empty token.</summary>
    /// <returns>Null when fine, else what is wrong.</returns>
    public static string? Check(ReadOnlySpan<char> subject) => CheckText(subject, Allowed);

    /// <summary>Checks a subject to subscribe to: as to publish on, but a token may be <c>*</c>, and the last one <c>&gt;</c>.</summary>
    /// <returns>Null when fine, else what is wrong.</returns>
    public static string? CheckFilter(ReadOnlySpan<char> subject)
    {
        if (CheckText(subject, AllowedInFilter) is { } wrong) return wrong;
        if (subject.IndexOfAny('*', '>') < 0) return null;
        foreach (var range in subject.Split('.'))
        {
            var token = subject[range];
            var last = range.End.Value == subject.Length;
            if (token.Contains('*') && token.Length > 1) return "a wildcard '*' shares its token";
            if (token.Contains('>') && (token.Length > 1 || !last)) return "a wildcard '>' is not the last token";
        }
        return null;
    }

    /// <summary>True when a subject is one that the filter follows. Both are well-formed.</summary>
    internal static bool Matches(ReadOnlySpan<char> filter, ReadOnlySpan<char> subject)
    {
        while (true)
        {
            if (filter is ">") return subject.Length > 0;
            var (wanted, restOfFilter) = FirstToken(filter);
            var (token, restOfSubject) = FirstToken(subject);
            if (wanted is not "*" && !wanted.SequenceEqual(token)) return false;
            if (restOfFilter.IsEmpty || restOfSubject.IsEmpty) return restOfFilter.IsEmpty && restOfSubject.IsEmpty;
            filter = restOfFilter;
            subject = restOfSubject;
        }
    }

    private static string? CheckText(ReadOnlySpan<char> subject, SearchValues<char> allowed)
    {
        if (subject.IsEmpty) return "the subject is empty";
        if (subject.Length > LengthMax) return $"the subject has {subject.Length} characters; at most {LengthMax} are allowed";
        var at = subject.IndexOfAnyExcept(allowed);
        if (at >= 0) return $"the subject has U+{(int)subject[at]:X4} at {at}, which is not allowed there";
        return subject[0] == '.' || subject[^1] == '.' || subject.IndexOf("..", StringComparison.Ordinal) >= 0
            ? "the subject has an empty token"
            : null;
    }

    private static TokenSplit FirstToken(ReadOnlySpan<char> text)
    {
        var dot = text.IndexOf('.');
        return dot < 0 ? new TokenSplit(text, default) : new TokenSplit(text[..dot], text[(dot + 1)..]);
    }

    private readonly ref struct TokenSplit(ReadOnlySpan<char> first, ReadOnlySpan<char> rest)
    {
        private readonly ReadOnlySpan<char> _first = first;
        private readonly ReadOnlySpan<char> _rest = rest;

        public void Deconstruct(out ReadOnlySpan<char> first, out ReadOnlySpan<char> rest)
        {
            first = _first;
            rest = _rest;
        }
    }
}
