using System.Buffers;

namespace Sync.Nats.Internal;

/// <summary>
/// The door against protocol injection: a subject with a space or line end would become a second command.
/// Allowed is printable ASCII without wildcards, in tokens that are not empty.
/// </summary>
internal static class Subjects
{
    private static readonly SearchValues<char> Literal =
        SearchValues.Create(Enumerable.Range(0x21, 0x7F - 0x21).Select(c => (char)c).Where(c => c is not ('*' or '>'))
            .ToArray());

    private static readonly SearchValues<char> Printable =
        SearchValues.Create(Enumerable.Range(0x21, 0x7F - 0x21).Select(c => (char)c).ToArray());

    public static bool IsValidPublish(ReadOnlySpan<char> subject) =>
        !subject.ContainsAnyExcept(Literal) && HasNoEmptyToken(subject);

    public static bool IsValidSubscribe(ReadOnlySpan<char> subject)
    {
        if (subject.ContainsAnyExcept(Printable) || !HasNoEmptyToken(subject))
            return false;
        // A wildcard is a token of its own, and '>' only the last one: elsewhere the server would take it literally.
        for (var i = 0; i < subject.Length; i++)
        {
            if (subject[i] is not ('*' or '>'))
                continue;
            var alone = (i == 0 || subject[i - 1] == '.') && (i + 1 == subject.Length || subject[i + 1] == '.');
            if (!alone || (subject[i] == '>' && i + 1 != subject.Length))
                return false;
        }

        return true;
    }

    public static bool IsLiteral(string subject) => subject.AsSpan().IndexOfAny('*', '>') < 0;

    public static bool IsValidQueueGroup(ReadOnlySpan<char> group) =>
        group.Length > 0 && !group.ContainsAnyExcept(Printable);

    public static NatsException Invalid(string what, ReadOnlySpan<char> name) =>
        new(NatsError.InvalidName,
            $"{what} of {name.Length} characters is not allowed: printable ASCII without spaces, "
            + "tokens not empty, wildcards only in subscriptions");

    private static bool HasNoEmptyToken(ReadOnlySpan<char> subject) =>
        subject.Length > 0 && subject[0] != '.' && subject[^1] != '.'
            && subject.IndexOf("..", StringComparison.Ordinal) < 0;
}
