"""Compares an API, read from standard input as JSON, with what griffe says of the same package. Prints JSON."""

import ast
import json
import sys

import griffe

KINDS = {
    "positional-only": "positional",
    "positional or keyword": "either",
    "variadic positional": "variadic",
    "keyword-only": "keyword",
    "variadic keyword": "keywords",
}


def normal(text):
    """The same code in the same words: quotes, spaces and parentheses are taste, and so is quoting an annotation."""
    if text is None:
        return None
    try:
        tree = ast.parse(str(text).strip(), mode="eval").body
    except SyntaxError:
        return "".join(str(text).split())
    return ast.unparse(tree)


def annotation(text):
    said = normal(text)
    if said is None:
        return None
    tree = ast.parse(said, mode="eval").body
    if isinstance(tree, ast.Constant) and isinstance(tree.value, str):
        return normal(tree.value)
    return said


def of_griffe(function):
    parameters = []
    for parameter in function.parameters:
        kind = KINDS[parameter.kind.value]
        default = None if kind in ("variadic", "keywords") else normal(parameter.default)
        parameters.append([parameter.name.lstrip("*"), kind, annotation(parameter.annotation), default])
    return [parameters, annotation(function.returns)]


def of_ours(signature):
    parameters = [
        [of["name"], of["kind"], annotation(of.get("annotation")), normal(of.get("default"))]
        for of in signature["parameters"]
    ]
    return [parameters, annotation(signature.get("returns"))]


def walk(thing, path, found):
    for name, member in thing.members.items():
        # Second names are compared where the module itself says which are public.
        if member.is_alias and not (thing.is_module and thing.exports):
            continue
        if not member.is_public or name == "__main__":
            continue
        below = f"{path}.{name}"
        if member.is_alias:
            found[below] = None
        else:
            found[below] = of_griffe(member) if member.is_function else None
            if member.is_module or member.is_class:
                walk(member, below, found)


def main():
    package, folder = sys.argv[1:]
    root = griffe.load(package, search_paths=[folder], allow_inspection=False)
    theirs = {package: None}
    walk(root, package, theirs)
    ours = json.load(sys.stdin)
    both = sorted(set(theirs) & set(ours))
    differ = []
    signatures = 0
    for path in both:
        if theirs[path] is None:
            continue
        signatures += 1
        mine = of_ours(ours[path]) if ours[path].get("parameters") is not None else None
        if mine != theirs[path]:
            differ.append({"path": path, "griffe": theirs[path], "ours": mine})
    print(
        json.dumps(
            {
                "griffe": len(theirs),
                "ours": len(ours),
                "both": len(both),
                "signatures": signatures,
                "differ": differ,
                "missing": sorted(set(theirs) - set(ours)),
                "extra": sorted(set(ours) - set(theirs)),
            }
        )
    )


main()
